// The hints of one node: what it keeps for owners that did not answer. A RocksDB of its own, so that a backlog never
// stalls the data.
//
// Owned by the node; thread-safe. Reads run on one worker, commits on another (group commit). What is visible is
// durable. The keeper of the shard that serves a hint's partition is its only writer. Failure rules as the
// StoreEngine's (P36): the first failed sync, write or background error is final.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/merkle.h"
#include "core/runtime/batch_worker.h"
#include "core/runtime/executor.h"
#include "core/runtime/messages.h"
#include "core/runtime/tracer.h"
#include "storage/store_engine.h"

namespace henge {

// Whose copy of what. Ordered as the hints are stored.
struct HintKey {
  MemberId target;
  RecordKey record;

  auto operator<=>(const HintKey&) const = default;
};

// docs/FORMAT.md, "Stored hint".
struct StoredHint {
  std::string object;        // canonical bytes
  uint32_t needed = 1;       // W of the write; of a merged one the greatest (P17)
  uint64_t era = 0;          // under which the content was minted; of a merged one the oldest (P21). 0 so far
  int64_t stored_at_ms = 0;  // wall time of the first hint that went in, for people
};

// Segments of one partition.
using SegmentSet = std::bitset<kTreeLeaves>;

// Dirty marks (P17): where a hint was given up because as many owners as its write's W have its record, and the target
// may still miss it. No copy of anything. docs/FORMAT.md, "Dirty marks".
struct MarkedPartition {
  SegmentSet segments;
  int64_t since_ms = 0;  // wall time of the first of them, for people
  uint64_t era = 0;      // the oldest of the hints' (P21). 0 so far
};

// One step of a commit. The steps of one loop take effect in the order of its Commit() calls.
struct HintChange {
  enum class Kind : uint8_t {
    kPut,       // `hint` becomes what is kept under `key`
    kRemove,    // the hint goes if ObjectDigest of its object is still `digest` (P16: compared in the commit itself)
    kMark,      // as kRemove; and if it goes, the segment of its record is marked
    kUnmark,    // `segments` of the partition of `key` are marked no more; the rest of `key` says nothing
    kSetAside,  // a hint that doesn't pass its checksum moves out of the way, bytes and all; a whole one stays
  };
  Kind kind = Kind::kPut;
  HintKey key;
  StoredHint hint;
  uint64_t digest = 0;
  SegmentSet segments;
};

// What a step did to the count and the bytes of its target. `status` is an error if the store could not tell what was
// there: nothing was done then.
struct HintEffect {
  absl::Status status;
  bool took_effect = false;
  int64_t count = 0;
  int64_t bytes = 0;
};

struct HintStoreFigures {
  uint64_t hints = 0;
  uint64_t bytes = 0;      // of keys and values, as stored
  uint64_t commits = 0;    // synced batches
  uint64_t set_aside = 0;  // that did not pass their checksum, since the start
};

class HintStore {
 public:
  virtual ~HintStore() = default;

  // The result at i belongs to keys[i]; DATA_LOSS for a broken one.
  using ReadResult = absl::StatusOr<std::optional<StoredHint>>;
  using ReadDone = absl::AnyInvocable<void(std::vector<ReadResult>)>;
  virtual void Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) = 0;

  // What the hints of `target` in the partitions of one shard hold, in storage order after `cursor` (empty = from the
  // start); about `bytes_max`, but at least one if any is left.
  struct PageQuery {
    MemberId target;
    int shard = 0;
    int shards = 1;
    std::string cursor;
    size_t bytes_max = 0;
    size_t items_max = 0;
  };
  struct Page {
    std::vector<std::pair<HintKey, StoredHint>> items;
    std::vector<HintKey> broken;  // to be set aside
    std::string cursor;
    bool done = false;
  };
  using PageDone = absl::AnyInvocable<void(absl::StatusOr<Page>)>;
  virtual void ReadPage(PageQuery query, Executor& loop, PageDone done) = 0;

  // Hands a batch to the commit worker. `done` is posted to `loop` with an effect for each change once all is synced,
  // or with the sticky error.
  using CommitDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<HintEffect>>)>;
  virtual void Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) = 0;

  // What the open found, by (target, partition): from here the keepers count on.
  struct Census {
    MemberId target;
    PartitionId partition;
    uint64_t count = 0;
    uint64_t bytes = 0;
    int64_t oldest_ms = 0;  // when the oldest of them was stored
  };
  virtual const std::vector<Census>& census() const = 0;
  // The same of the dirty marks.
  virtual const std::map<PartitionId, MarkedPartition>& marks() const = 0;

  // P37. kPlenty: hints are taken.
  virtual DiskClass disk_class() const = 0;
  virtual HintStoreFigures figures() const = 0;
  virtual absl::Status health() const = 0;
  virtual absl::Status Close() = 0;
};

// What a hint counts against the bound.
uint64_t HintBytes(const HintKey& key, const StoredHint& hint);

// The settings of the hint store that stands beside a data store: in its directory, with less memory, and with a disk
// class of its own that refuses later than the data store does (P37).
StoreOptions HintStoreOptions(const StoreOptions& data);

// Opens or creates the store in `options.data_dir`; reads every hint once: counts it, and sets a broken one aside with
// an event. Broken marks become marks of the whole partition. Otherwise as OpenStoreEngine.
absl::StatusOr<std::unique_ptr<HintStore>> OpenHintStore(StoreOptions options, WorkerFactory& workers, Tracer& tracer,
                                                         std::function<void(absl::Status)> on_fatal);

}  // namespace henge
