// A shard: one loop, its partitions' replica, coordinator and hints.
//
// Shard of a partition = partition mod the number of shards. Shards of one node share the engine and the ring snapshot,
// nothing else.
#pragma once

#include <memory>

#include "coordinator/coordinator.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/transport.h"
#include "node/background_budget.h"
#include "node/hints/hint_delivery.h"
#include "node/hints/hint_keeper.h"
#include "node/replica.h"
#include "storage/store_engine.h"

namespace henge {

// Without a store, a shard keeps no hints.
struct ShardHints {
  HintStore* store = nullptr;
  uint64_t bytes_max = 0;  // of this shard
  int shards = 1;
};

class Shard : public PeerHandler {
 public:
  Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
        StampStart stamps = {}, size_t cache_bytes = 0, ShardHints hints = {});
  ~Shard() override;

  // Loop only, as all of this class.
  void HandleClient(ClientRequest request, Coordinator::ReplyFn reply);
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override;
  void UpdateRing(RingPtr ring);
  void UpdateLiveness(LivenessPtr liveness);
  // Who serves the ControlRequests that come to this shard; it outlives the shard. Without: UNIMPLEMENTED.
  void ServeControl(PeerHandler* control) { control_ = control; }
  void Drain(Closure idle);

  Coordinator& coordinator() { return *coordinator_; }
  Replica& replica() { return *replica_; }
  // Null if this shard keeps no hints.
  LocalHints* hints() { return keeper_.get(); }
  HintFigures hint_figures() const;
  // Shared by all background work of this shard.
  BackgroundBudget& background() { return background_; }

 private:
  Coordinator::ReplyFn Sampled(Coordinator::ReplyFn reply);

  Clock& clock_;
  PeerHandler* control_ = nullptr;
  BackgroundBudget background_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<HintKeeper> keeper_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<HintDelivery> delivery_;
};

// Which of `shards` shards serves `partition`.
inline int ShardOf(PartitionId partition, int shards) { return partition.value() % shards; }

}  // namespace henge
