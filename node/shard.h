// A shard: one loop, its partitions' replica and coordinator.
//
// Shard of a partition = partition mod the number of shards. Shards of one node share the engine and the ring snapshot,
// nothing else.
#pragma once

#include <memory>

#include "coordinator/coordinator.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/transport.h"
#include "node/replica.h"
#include "storage/store_engine.h"

namespace henge {

class Shard : public PeerHandler {
 public:
  Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
        StampStart stamps = {}, size_t cache_bytes = 0);
  ~Shard() override;

  // Loop only, as all of this class.
  void HandleClient(ClientRequest request, Coordinator::ReplyFn reply);
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override;
  void UpdateRing(RingPtr ring);
  StateVersion state_version() const { return state_version_; }
  void UpdateLiveness(LivenessPtr liveness);
  // Who serves the ControlRequests that come to this shard; it outlives the shard. Without: UNIMPLEMENTED.
  void ServeControl(PeerHandler* control) { control_ = control; }
  void Drain(Closure idle);

  Coordinator& coordinator() { return *coordinator_; }
  Replica& replica() { return *replica_; }

 private:
  Clock& clock_;
  StateVersion state_version_;
  PeerHandler* control_ = nullptr;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Coordinator> coordinator_;
};

// Which of `shards` shards serves `partition`.
inline int ShardOf(PartitionId partition, int shards) { return partition.value() % shards; }

}  // namespace henge
