// One shard's calls to the peers: gathered over a turn of its loop, sent as one fragment per peer.
//
// Loop-affine, but for PostAnswers and PostBroken (any thread). Owned by the hub.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/transport.h"
#include "node/grpc/peer_link.h"
#include "node/grpc/pending_calls.h"

namespace henge {

class ShardTransport : public Transport {
 public:
  struct Answer {
    uint64_t id;
    absl::StatusOr<PeerReply> reply;
  };
  // What each peer was asked, by the hub's numbers; for people.
  struct Counts {
    uint64_t calls = 0;
    uint64_t failures = 0;
    uint64_t under_way = 0;
  };

  // `links` outlives this. `calls_max`: unanswered calls to one peer.
  ShardTransport(int shard, Executor& loop, const Clock& clock, const std::vector<std::unique_ptr<PeerLink>>& links,
                 size_t calls_max);

  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override;

  void PostAnswers(std::vector<Answer> answers);
  void PostBroken(int peer, uint64_t stream, absl::Status why);

  const std::vector<Counts>& counts() const { return counts_; }

 private:
  // What one turn sends to one peer.
  struct Outgoing {
    std::string fragment;
    std::vector<uint64_t> ids;  // of the calls in it
  };

  int IndexOf(MemberId member) const;
  // Answers a call that is not sent, later: never inside Call.
  void FailLater(Callback done, absl::Status why);
  void Encode(int peer, uint64_t id, PeerRequest request, Duration budget);
  void Flush();
  void SendTo(int peer);
  Callback Take(PendingCalls::Call* call, bool ok);
  template <class Matches>
  std::vector<Callback> TakeAll(Matches matches);
  void ArmSweep(MonotonicTime deadline);
  void Sweep();

  Executor& loop_;
  const Clock& clock_;
  const std::vector<std::unique_ptr<PeerLink>>& links_;
  const size_t calls_max_;
  PendingCalls pending_;
  std::vector<Outgoing> outgoing_;  // by peer
  std::vector<Counts> counts_;      // by peer
  bool flush_deferred_ = false;
  std::vector<std::pair<Callback, absl::Status>> failing_;
  // One per alternative: used again, so that its parts are allocated once.
  std::array<v1::PeerCall, std::variant_size_v<PeerRequest>> scratch_;
  bool sweep_armed_ = false;
  TimerId sweep_timer_{0};
  MonotonicTime sweep_at_;
};

}  // namespace henge
