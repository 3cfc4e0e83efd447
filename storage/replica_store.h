// The records of one shard: the engine, plus the overlay of what is written but not yet durable (P5).
//
// Loop-affine: one per shard, owned by it. Batches by itself: the reads of one turn are one batch, so are its writes.
//
// Callbacks run at the turn's end in TurnPhase::kRead, in the order of their calls, or in a later turn if the disk is
// needed: never inside Read() or ReadBase(). They may call in again. After a failure of the engine everything answers
// its sticky error; what was handed in before is answered so too. None runs after the store's end.
//
// Invariants:
//   1. a base handed out by ReadBase is the newest local record at the instant of its callback;
//   2. a record leaves the overlay when it is durable and no read that was issued before that is outstanding;
//   3. writes of one key become durable in the order of Write();
//   4. what the record cache holds of a key is its newest durable record: this is the only writer of the shard's
//   records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/object.h"
#include "core/runtime/executor.h"
#include "core/runtime/messages.h"
#include "storage/store_engine.h"

namespace henge {

// The newest local record, durable or not. `object` is empty if there is none.
struct BaseRecord {
  Object object;
  std::optional<Mark> mark;
  bool durable = true;
};

class ReplicaStore {
 public:
  // Keeps up to `cache_bytes` of durable records in memory (record_cache.h).
  ReplicaStore(StoreEngine& engine, Executor& loop, size_t cache_bytes = 0);
  ~ReplicaStore();
  ReplicaStore(const ReplicaStore&) = delete;
  ReplicaStore& operator=(const ReplicaStore&) = delete;

  // `broken` is told of each record that was asked for and could not be read; before who asked is. Set once.
  using BrokenCallback = absl::AnyInvocable<void(const RecordKey&)>;
  void OnBroken(BrokenCallback broken);

  // The durable record of `key`, absent as nullopt. DATA_LOSS if it is broken: never "absent".
  using ReadCallback = absl::AnyInvocable<void(absl::StatusOr<std::optional<StoredRecord>>)>;
  void Read(RecordKey key, ReadCallback done);

  // The newest local record (overlay, then store), to mint or merge upon. `done` must call Write, if at all, before it
  // returns: a later write would rest on a stale base. With an engine that keeps trees, only then is it allowed.
  using BaseCallback = absl::AnyInvocable<void(absl::StatusOr<BaseRecord>)>;
  void ReadBase(RecordKey key, BaseCallback done);

  // Makes `object` with `mark` the newest record of `key`. `encoded` are its canonical bytes. `durable` runs when it is
  // synced, or with the engine's sticky error.
  using DurableCallback = absl::AnyInvocable<void(absl::Status)>;
  void Write(RecordKey key, Object object, std::string encoded, std::optional<Mark> mark, int64_t now_ms,
             DurableCallback durable);

  // `durable` runs when the newest record of `key` at this instant is durable; at once, inside this call, if it is
  // (P11).
  void AwaitDurable(const RecordKey& key, DurableCallback durable);

  // Records that are not durable yet, and few others.
  size_t overlay_size() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace henge
