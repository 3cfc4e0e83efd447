// What a replica consists of. Internal to node/replica*.cc.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "core/model/mint.h"
#include "core/model/object.h"
#include "node/disk_admission.h"
#include "node/record_repair.h"
#include "node/replica.h"
#include "node/stamp_source.h"

namespace henge {

class Replica::Impl {
 public:
  Impl(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring, StampStart stamps,
       size_t cache_bytes)
      : self_(self),
        env_(environment),
        engine_(engine),
        ring_(std::move(ring)),
        stamps_(stamps, engine, environment.executor),
        store_(engine, environment.executor, cache_bytes),
        repair_(self, environment, store_),
        alive_(std::make_shared<bool>(true)) {
    minter_.store = engine.store_id();
    store_.OnBroken([this](const RecordKey& key) { repair_.Begin(key, ring_); });
    DrawLifetime();
  }

  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }
  ReplicaFigures figures() const {
    ReplicaFigures figures = figures_;
    figures.mended = repair_.figures().mended;
    return figures;
  }
  StampSource& stamps() { return stamps_; }

  absl::Status AdmitWrite(bool tombstone) const;
  void Mint(MintCommand command, MintedFn minted, DurableFn durable);
  void Read(RecordKey key, ReadFn done);
  void ReadStored(RecordKey key, ReadFn done);
  void HeedRecovery(const Recovery* recovery) { recovery_ = recovery; }
  // P15: whether what this replica reads of the partition counts.
  absl::Status CheckWhole(PartitionId partition);
  void Merge(MergeRequest request, MergeFn done);
  void CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done);
  void Scan(ScanRequest request, PeerReplyFn reply);
  // P33: whether the sender's idea of the partition is this node's, and this node is an owner.
  absl::Status Fence(PartitionId partition, LayoutEpoch epoch);
  absl::Status CheckKey(const RecordKey& key) const;
  bool Expired(MonotonicTime deadline) const { return env_.clock.Now() >= deadline; }

 private:
  int64_t WallMs() const { return env_.clock.WallNow().time_since_epoch().count(); }
  bool IsOwner(PartitionId partition) const { return ring_->IsOwner(partition, self_); }

  absl::Status CheckMint(const MintCommand& command, const absl::StatusOr<BaseRecord>& base) const;
  // Answers with the version that `op_id` made before; false if there is none.
  bool AnswerFound(const MintCommand& command, const BaseRecord& base, MintedFn& minted, DurableFn& durable);
  bool HasStamp(const MintCommand& command, const Object& base);
  void AwaitStamp(MintCommand command, uint64_t base_hlc, MintedFn minted, DurableFn durable);
  void MintOn(MintCommand command, BaseRecord base, MintedFn minted, DurableFn durable);

  void MergeInto(BaseRecord base, MergeRequest request, Object incoming, MergeFn done);
  void CheckOwnHistory(const Object& base, const Object& incoming);
  void CountCollision();
  void CountStampAhead(uint64_t stamp);

  void DrawLifetime();
  void CloseLifetime(Lifetime lifetime, const char* why);

  const MemberId self_;
  ShardEnvironment env_;
  StoreEngine& engine_;
  RingPtr ring_;
  Minter minter_;
  StampSource stamps_;
  const Recovery* recovery_ = nullptr;
  ReplicaFigures figures_;
  ReplicaStore store_;
  RecordRepair repair_;
  std::shared_ptr<bool> alive_;  // what the engine still answers after the end finds it gone
};

}  // namespace henge
