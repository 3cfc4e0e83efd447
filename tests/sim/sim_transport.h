// The Transport of one shard of a simulated process, and its serving side.
//
// What a turn sends to one shard of a peer goes out in the turn's kSend phase, as one frame or, by the seed's choice,
// as several: the same protobuf frames that gRPC carries, serialised and parsed. Every outcome of transport.h is
// produced:
//   - refused: the peer is down, or this end waits before it connects again (UNAVAILABLE);
//   - lost before it runs, or run and the reply lost: the deadline's timer answers;
//   - a broken connection: UNAVAILABLE, and the reply on it, if any, is dropped;
//   - run twice: duplicated frames; answered late: dropped.
//
// Owned by the process that it simulates, and destroyed after its loop was killed: closures on the loop point here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "core/runtime/transport.h"
#include "henge/v1/peer.pb.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_executor.h"
#include "tests/sim/sim_network.h"

namespace henge::sim {

struct SimTransportOptions {
  MemberId self;
  int shard = 0;
  // Which shard of a member serves a partition (ShardOf of node/shard.h, in a cluster of nodes).
  std::function<int(MemberId, PartitionId)> shard_of = [](MemberId, PartitionId) { return 0; };
  size_t calls_max = 4096;  // unanswered, for each peer; beyond: RESOURCE_EXHAUSTED
  size_t bytes_max = size_t{64} << 20;
  Duration reconnect_delay_max = std::chrono::milliseconds(50);  // after a reset, calls fail at once for up to this
};

struct SimTransportFigures {
  uint64_t calls = 0, served = 0, late_replies = 0, broken_calls = 0, bad_frames = 0;
};

class SimTransport final : public Transport, public SimPort {
 public:
  SimTransport(SimNetwork& network, SimExecutor& loop, const SimClock& clock, SimRandom random,
               SimTransportOptions options);
  ~SimTransport() override;
  SimTransport(const SimTransport&) = delete;
  SimTransport& operator=(const SimTransport&) = delete;

  // Calls of peers go to `handler` from now on; before, and with null, they are answered UNAVAILABLE.
  void Serve(PeerHandler* handler) { handler_ = handler; }

  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override;

  void OnMessage(SimAddress from, ConnectionId connection, std::string bytes) override;
  void OnReset(HostId host, ConnectionId connection) override;

  const SimTransportFigures& figures() const { return figures_; }

 private:
  struct PendingCall {
    MemberId to;
    ConnectionId connection = 0;  // 0 = not sent yet
    size_t bytes = 0;
    TimerId timer;
    Callback done;
  };
  struct PeerLoad {
    size_t calls = 0, bytes = 0;
    MonotonicTime connect_again_at = MonotonicTime::min();
  };
  struct IncomingCall {
    uint64_t id = 0;
    MonotonicTime deadline;
    absl::StatusOr<PeerRequest> request;
  };
  struct IncomingAnswer {
    uint64_t id = 0;
    absl::StatusOr<PeerReply> reply;
  };
  using AnswerRoute = std::pair<SimAddress, ConnectionId>;

  absl::Status Refusal(MemberId to, size_t bytes);
  void Complete(uint64_t id, absl::StatusOr<PeerReply> reply);
  void ServeCall(AnswerRoute route, IncomingCall call);
  void Answer(AnswerRoute route, uint64_t id, absl::StatusOr<PeerReply> reply);
  void FlushLater();
  void Flush();
  // Splits what goes to one place into frames, by the seed's choice and by size.
  template <class Item, class Append>
  std::vector<v1::PeerFrame> MakeFrames(std::vector<Item> items, Append append);
  SimAddress here() const { return {HostOf(options_.self), static_cast<uint32_t>(options_.shard)}; }

  SimNetwork& network_;
  SimExecutor& loop_;
  const SimClock& clock_;
  SimRandom random_;
  const SimTransportOptions options_;
  PeerHandler* handler_ = nullptr;

  uint64_t next_id_ = 1;
  std::map<uint64_t, PendingCall> pending_;
  std::map<MemberId, PeerLoad> load_;
  std::map<SimAddress, std::vector<v1::PeerCall>> calls_out_;
  std::map<AnswerRoute, std::vector<v1::PeerAnswer>> answers_out_;
  bool flush_deferred_ = false;
  SimTransportFigures figures_;
};

}  // namespace henge::sim
