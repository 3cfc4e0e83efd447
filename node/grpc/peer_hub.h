// All connections of one node to its peers, and the transports of its shards on top of them.
//
// Owned by the process's set-up code. The transports are the loops'; the rest is for the set-up's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/model/ring.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/tracer.h"
#include "node/grpc/peer_link.h"
#include "node/grpc/shard_transport.h"

namespace henge {

// Who this process is to its peers.
struct PeerIdentity {
  MemberId self;
  StoreId store;
  uint64_t process = 0;  // random, drawn at the start
  ClusterId cluster;
  StateVersion state_version;
  uint64_t state_digest = 0;
};

// The encoded hello, as the first fragment of a stream.
std::string HelloFragment(const PeerIdentity& identity);

struct PeerAddress {
  MemberId member;
  std::string name;
  std::string address;
};

struct PeerHubOptions {
  PeerIdentity identity;
  std::vector<PeerAddress> peers;               // without this node
  size_t waiting_bytes_max = size_t{32} << 20;  // per peer (P39)
  size_t calls_max = 65536;                     // unanswered, per peer and shard
};

class PeerHub : private PeerLinkEvents {
 public:
  // One transport per loop. The loops outlive the hub, or have ended when it is destroyed.
  PeerHub(PeerHubOptions options, std::vector<Executor*> loops, const Clock& clock, Tracer& tracer);
  ~PeerHub() override;

  Transport& transport(int shard) { return *transports_[shard]; }

  // Starts dialling all peers.
  void Connect();
  // Who is told when a peer says that this member was given up (P32); on any thread. Before Connect.
  void OnGivenUp(std::function<void(MemberId by, std::string why)> listener) { given_up_ = std::move(listener); }
  // Breaks all connections; they are dialled again. Any thread.
  void Drop();
  // Ends all connections. Blocks until no callback is under way; the calls under way fail.
  void Stop();

  struct PeerState {
    MemberId member;
    std::string name;
    bool connected = false;
    std::string last_error;
    StoreId store;  // as of its last hello; none = not met yet
  };
  // Any thread.
  std::vector<PeerState> Peers() const;

  // P7, H5: UNAVAILABLE while a peer says that another process of this member lives, and for a few seconds after it has
  // said so last: two processes of one member must not both answer clients. Any thread; cheap.
  absl::Status CheckOnlyProcess() const;
  // Who says so; empty: nobody.
  std::string RefusedAsSecondBy() const;
  // Loop of `shard` only; in the order of Peers().
  const std::vector<ShardTransport::Counts>& counts(int shard) const { return transports_[shard]->counts(); }

 private:
  void OnAnswers(int peer, v1::PeerFrame* frame) override;
  void OnBroken(int peer, uint64_t stream, const absl::Status& why) override;
  void OnRefusedAsSecond(int peer) override;
  void OnGivenUp(int peer, const std::string& why) override;

  const Clock& clock_;
  Tracer& tracer_;
  std::atomic<MonotonicTime> refused_until_{};
  std::function<void(MemberId, std::string)> given_up_;
  std::atomic<int> refused_by_ = -1;  // the peer that said so last
  std::vector<std::unique_ptr<PeerLink>> links_;
  std::vector<std::unique_ptr<ShardTransport>> transports_;
};

}  // namespace henge
