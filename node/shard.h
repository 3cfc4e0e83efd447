// A shard: one loop, its partitions' replica, coordinator, hints and anti-entropy.
//
// Shard of a partition = partition mod the number of shards. Shards of one node share the engine and the ring snapshot,
// nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "coordinator/coordinator.h"
#include "core/model/recovery.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/transport.h"
#include "node/antientropy/anti_entropy.h"
#include "node/antientropy/scrub.h"
#include "node/background_budget.h"
#include "node/hints/hint_delivery.h"
#include "node/hints/hint_keeper.h"
#include "node/hints/hint_marks.h"
#include "node/replica.h"
#include "storage/store_engine.h"

namespace henge {

// Without a store, a shard keeps no hints.
struct ShardHints {
  HintStore* store = nullptr;
  uint64_t bytes_max = 0;  // of this shard
  int shards = 1;
  BackgroundBudgetOptions budget;  // of their delivery, of this shard
};

// What a shard begins its anti-entropy with.
struct EntropyStart {
  AntiEntropyOptions options;
  ScrubOptions scrub;
  uint32_t shards = 1;
  uint32_t shard = 0;
  std::set<PartitionId> recovering;  // of the whole node (P15)
  // What becomes of them, to be written down; called on the shard's loop.
  std::function<void(std::vector<PartitionId>)> whole = [](const auto&) {};
  std::function<void(std::vector<PartitionId>)> lost = [](const auto&) {};
};

class Shard : public PeerHandler {
 public:
  Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
        StampStart stamps = {}, size_t cache_bytes = 0, ShardHints hints = {}, EntropyStart entropy = {});
  ~Shard() override;

  // Loop only, as all of this class.
  void HandleClient(ClientRequest request, Coordinator::ReplyFn reply);
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override;
  void UpdateRing(RingPtr ring);
  StateVersion state_version() const { return ring_->version(); }
  void UpdateLiveness(LivenessPtr liveness);
  // Who serves the ControlRequests that come to this shard; it outlives the shard. Without: UNIMPLEMENTED.
  void ServeControl(PeerHandler* control) { control_ = control; }
  void StartAntiEntropy();
  // This node may have lost data of `partitions`: until they were compared with the other owners, what it reads there
  // counts for nothing (P15). Those of other shards are left out.
  void MarkRecovering(const std::vector<PartitionId>& partitions);
  void Drain(Closure idle);

  Coordinator& coordinator() { return *coordinator_; }
  Replica& replica() { return *replica_; }
  // Null if this shard keeps no hints.
  LocalHints* hints() { return keeper_.get(); }
  HintFigures hint_figures() const;
  // What the delivery of hints takes its bytes from.
  BackgroundBudget& background() { return background_; }
  AntiEntropy& anti_entropy() { return *anti_entropy_; }
  Scrub& scrub() { return *scrub_; }

 private:
  // Whether `from` is a member: who was given up (P32) is served nothing, whatever its messages say.
  absl::Status CheckMember(MemberId from);
  Coordinator::ReplyFn Sampled(Coordinator::ReplyFn reply);

  Clock& clock_;
  Tracer& tracer_;
  RingPtr ring_;
  bool stranger_said_ = false;
  PeerHandler* control_ = nullptr;
  BackgroundBudget background_;
  bool background_yields_ = false;  // as of the last sample
  const uint32_t shards_;
  const uint32_t shard_;
  std::function<void(std::vector<PartitionId>)> lost_;
  Recovery recovery_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<HintKeeper> keeper_;
  std::unique_ptr<AntiEntropy> anti_entropy_;
  std::unique_ptr<Scrub> scrub_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<HintDelivery> delivery_;
  std::unique_ptr<HintMarks> marks_;
};

// Which of `shards` shards serves `partition`.
inline int ShardOf(PartitionId partition, int shards) { return partition.value() % shards; }

}  // namespace henge
