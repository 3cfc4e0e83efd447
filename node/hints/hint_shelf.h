// The hints of one shard: the store, and what is written but not yet durable (P5).
//
// Loop-affine; owned by the keeper. While anything of a key is under way, all its hints, for every target, are in
// memory, the newest first thing that a load finds; so the steps of one key fold one after another, and none bases on
// what a commit has overtaken. Batches by itself: the loads of one turn are one read, its writes one commit.
//
// Callbacks run at a turn's end or later, never inside the call, but for AwaitDurable(). None runs after the shelf's
// end. After a failure of the store everything answers its sticky error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/object.h"
#include "core/runtime/executor.h"
#include "storage/hint_store.h"

namespace henge {

class HintShelf {
 public:
  struct Batch;

  // What is kept of one key for one target.
  struct Kept {
    Object object;
    uint64_t digest = 0;  // of its canonical bytes
    uint64_t bytes = 0;   // HintBytes
    uint32_t needed = 1;
    int64_t stored_at_ms = 0;
    bool removing = false;         // its removal is on its way: what equals it must be written anew (P11)
    std::shared_ptr<Batch> batch;  // makes it durable; null once it is
    uint64_t sequence = 0;
    bool durable() const { return batch == nullptr; }
  };
  using Targets = std::map<MemberId, Kept>;

  struct Pending {
    uint64_t count = 0;
    uint64_t bytes = 0;
    int64_t oldest_ms = 0;   // no hint is older; exact after a pass over all of them
    int64_t in_pass_ms = 0;  // the oldest that came since the pass began
  };

  HintShelf(HintStore& store, Executor& loop, int shard, int shards);
  ~HintShelf();
  HintShelf(const HintShelf&) = delete;
  HintShelf& operator=(const HintShelf&) = delete;

  // The newest hints for `key`, durable or not. `done` calls Put, if at all, before it returns. DATA_LOSS if one of
  // them is broken: it is set aside, and the next load finds it gone.
  using LoadFn = absl::AnyInvocable<void(absl::StatusOr<const Targets*>)>;
  void Load(RecordKey key, LoadFn done);

  // Only within the callback of a load of `key.record`: makes the object what is kept under `key`.
  using DurableFn = absl::AnyInvocable<void(absl::Status)>;
  struct Write {
    Object object;
    std::string encoded;
    uint32_t needed = 1;
    int64_t now_ms = 0;
  };
  void Put(const HintKey& key, Write write, DurableFn durable);

  // Runs `durable` when what is kept under `key` at this instant is durable; at once if it is. As Put, within a load.
  void AwaitDurable(const HintKey& key, DurableFn durable);

  // Removes the hint if it is durable and still has this digest (P16). `done` learns whether it went.
  using RemoveFn = absl::AnyInvocable<void(absl::StatusOr<bool>)>;
  void Remove(HintKey key, uint64_t digest, RemoveFn done);

  // P17: as Remove, and the segment of the record is marked in the same commit. `proved` owners hold it: a hint whose
  // W has grown beyond that meanwhile stays.
  void Mark(HintKey key, uint64_t digest, uint32_t proved, int64_t now_ms, RemoveFn done);
  // Which segments are durably marked, by partition.
  const std::map<PartitionId, MarkedPartition>& marks() const { return marks_; }
  // P18: what is marked from here on is not cleared by the end of this exchange. One at a time.
  void BeginExchange(PartitionId partition) { exchange_ = {partition, {}}; }
  // The owners hold the same in the segments of `equal`: their marks go, but for those made since the beginning.
  void EndExchange(const SegmentSet& equal, RemoveFn done);

  // The durable hints for `key`, by target.
  using ReadFn = absl::AnyInvocable<void(absl::StatusOr<std::vector<std::pair<MemberId, StoredHint>>>)>;
  void ReadDurable(const RecordKey& key, ReadFn done);

  // A page of this shard's hints for `target`; what is broken in it is set aside.
  void ReadPage(MemberId target, std::string cursor, size_t bytes_max, size_t items_max, HintStore::PageDone done);

  // Around a pass over all hints for `target`; the oldest of those that it left is told at its end, 0 without any.
  void BeginPass(MemberId target);
  void EndPass(MemberId target, int64_t oldest_left_ms);

  // Targets with durable hints, and how many.
  const std::map<MemberId, Pending>& pending() const { return pending_; }
  // The bytes that will be stored when all that is under way is durable.
  int64_t projected_bytes() const { return projected_bytes_; }
  uint64_t set_aside() const { return set_aside_; }
  absl::Status health() const { return store_.health(); }
  DiskClass disk_class() const { return store_.disk_class(); }

 private:
  struct KeyState {
    Targets targets;
    bool loaded = false;
    bool queued = false;    // a load is under way
    bool poisoned = false;  // a put could not be written: what is in memory is not what will be there
    int commits_under_way = 0;
    std::vector<LoadFn> waiting;
  };
  using States = absl::node_hash_map<RecordKey, KeyState>;

  void FlushLoads();
  void OnLoaded(const std::vector<HintKey>& keys, std::vector<HintStore::ReadResult> results,
                std::vector<RecordKey> loaded);
  void Serve(const RecordKey& key, absl::Status status);
  void DropIfIdle(const RecordKey& key);
  void SetAside(HintKey key);
  // kRemove or kMark.
  void TakeAway(HintChange change, RemoveFn done);
  Batch& OpenBatch();
  void FlushCommit();
  void OnCommitted(Batch& batch, absl::StatusOr<std::vector<HintEffect>> effects);
  void Account(const HintKey& key, const HintEffect& effect, int64_t expected_bytes, int64_t stored_at_ms);
  void SettleMark(const HintKey& key, int64_t now_ms);
  void SettleUnmark(PartitionId partition, const SegmentSet& segments);
  void Settle(const HintKey& key, uint64_t sequence, HintChange::Kind kind, const absl::Status& status,
              bool took_effect);

  HintStore& store_;
  Executor& loop_;
  const int shard_;
  const int shards_;
  States states_;
  std::vector<RecordKey> to_serve_;  // of this turn, in order
  std::shared_ptr<Batch> batch_;     // of this turn
  std::map<MemberId, Pending> pending_;
  std::map<MemberId, int> puts_under_way_;
  std::map<PartitionId, MarkedPartition> marks_;
  struct Exchange {
    PartitionId partition;
    SegmentSet fresh;  // marked since it began
  } exchange_;
  int64_t projected_bytes_ = 0;
  uint64_t last_sequence_ = 0;
  uint64_t set_aside_ = 0;
  std::shared_ptr<bool> alive_;  // what the store still answers after the end finds it gone
};

}  // namespace henge
