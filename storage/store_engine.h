// The store of one node: one RocksDB for every shard's records and the node's own metadata.
//
// Owned by the node; thread-safe. Blocking work runs on its workers: commits on one (group commit), reads that miss
// the caches on another. The shards talk to it through their ReplicaStore.
//
// Failure rules (P36): the first failed sync, write or background error is final. The engine then answers every commit
// with its sticky status, reports through `on_fatal`, and is never resumed; the process restarts instead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/leaf_diff.h"
#include "core/model/merkle.h"
#include "core/model/mint.h"
#include "core/runtime/batch_worker.h"
#include "core/runtime/executor.h"
#include "core/runtime/messages.h"
#include "core/runtime/tracer.h"

namespace rocksdb {
class Env;
}

namespace henge {

// What stands in the store under one key, besides the key: docs/FORMAT.md, "Stored record".
struct StoredRecord {
  std::string object;         // canonical bytes
  std::optional<Mark> mark;   // P4
  int64_t written_at_ms = 0;  // wall time of the last change, for people only
};

struct StoreOptions {
  std::string data_dir;
  size_t block_cache_bytes = size_t{64} << 20;
  size_t write_buffer_bytes = size_t{16} << 20;
  int write_buffers_max = 8;
  uint64_t flush_every_commits = 0;  // of a deterministic store: it also flushes after so many; 0 = by bytes alone
  size_t blob_bytes_min = 8192;      // values from this size go to blob files
  // Disk classes (P37): client puts and replica writes are refused below X free bytes, control writes below Z.
  uint64_t free_bytes_for_writes = uint64_t{512} << 20;
  uint64_t free_bytes_for_control = uint64_t{64} << 20;
  rocksdb::Env* env = nullptr;  // null = the operating system's
  bool deterministic = false;   // no background thread of its own kind runs unbidden (periodic tasks off)
};

// How the disk stands, as of the last look (P37).
enum class DiskClass : uint8_t { kPlenty, kControlOnly, kFull };

struct StoreFigures {
  uint64_t keys_estimate = 0;
  uint64_t data_bytes = 0;
  uint64_t memory_bytes = 0;  // memtables, block cache, table readers
  uint64_t commits = 0;       // synced batches
  uint64_t records = 0;       // records in them
  uint64_t quarantined = 0;   // records that did not pass their checksum
};

// One record to write; part of a batch whose items are all durable at its end, or none.
struct CommitItem {
  RecordKey key;
  StoredRecord record;
  uint64_t leaf_delta = 0;  // LeafDelta of merkle.h, from the record that this one takes the place of
  // It takes the place of a record that can't be read, whose hash nobody knows: the leaf is computed anew from the
  // records that can, and `leaf_delta` counts from "absent".
  bool leaf_from_scan = false;
};

class StoreEngine {
 public:
  virtual ~StoreEngine() = default;

  // Identity, drawn when the store was created.
  virtual StoreId store_id() const = 0;

  // Reads without blocking: memtables and caches only. The result at i belongs to keys[i]: a record, "absent", or
  // UNAVAILABLE if the answer needs the disk. DATA_LOSS: the record is there but broken; it is quarantined and counted.
  using ReadResult = absl::StatusOr<std::optional<StoredRecord>>;
  virtual std::vector<ReadResult> ReadCached(std::span<const RecordKey* const> keys) = 0;

  // Reads on the read worker; `done` is posted to `loop`. A loop outlives what it has asked for, or Close().
  using ReadDone = absl::AnyInvocable<void(std::vector<ReadResult>)>;
  virtual void ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) = 0;

  // Hands a batch to the commit worker. Batches of one loop become durable in the order of these calls. `done` is
  // posted to `loop` once the batch is synced, or with the sticky error; it has the items back, as they were handed in.
  using CommitDone = absl::AnyInvocable<void(absl::Status, std::vector<CommitItem>)>;
  virtual void Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) = 0;

  // One page of a partition's durable records in storage order (segment, bucket id, key); on the read worker. A broken
  // record is left out, counted and alarmed; a block that can't be read fails the page. INVALID_ARGUMENT for a cursor
  // of another partition.
  struct Page {
    std::vector<std::pair<RecordKey, StoredRecord>> items;
    std::string cursor;
    bool done = false;
  };
  using ScanDone = absl::AnyInvocable<void(absl::StatusOr<Page>)>;
  virtual void Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) = 0;

  // ---- Merkle trees (core/model/merkle.h), of the durable records; a write and its leaf are one batch.

  // Begins to keep trees whose hashes are keyed by `cluster`; before the first commit of a record. Blocking: reads the
  // leaves into memory; a store that has none yet is scanned for them, once. FAILED_PRECONDITION if its leaves are of
  // another cluster.
  virtual absl::Status OpenTrees(ClusterId cluster) = 0;
  // The key of the hashes; 0 before OpenTrees: items then carry no delta.
  virtual ClusterId tree_key() const = 0;
  // From memory. Any thread.
  virtual uint64_t ReadRoot(PartitionId partition) const = 0;
  virtual PartitionTree ReadTree(PartitionId partition) const = 0;

  // One page of the records of a leaf, in storage order, after `after` (empty: from the start); on the read worker. A
  // broken record is left out, counted and alarmed.
  struct LeafPage {
    std::vector<LeafRecord> records;
    bool done = false;
  };
  using LeafDone = absl::AnyInvocable<void(absl::StatusOr<LeafPage>)>;
  virtual void ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t bytes_max, Executor& loop,
                        LeafDone done) = 0;

  // Computes a leaf anew from its records, on the commit worker, and writes it if it was another one. Answers what was
  // wrong with it: old XOR new, 0 if nothing. For records that were changed without a known base.
  using RewriteDone = absl::AnyInvocable<void(absl::StatusOr<uint64_t>)>;
  virtual void RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) = 0;

  // Node metadata (cluster id, member id, cluster state ...): small, synced, blocking. For start-up and rare changes;
  // not from a loop.
  virtual absl::StatusOr<std::optional<std::string>> ReadMeta(std::string_view name) = 0;
  virtual absl::Status WriteMeta(std::string_view name, std::string_view value) = 0;
  // The same write for loops: on the commit worker, in one batch with what else has gathered there; `done` is posted to
  // `loop`. In order with the Commit calls of that loop.
  using MetaDone = absl::AnyInvocable<void(absl::Status)>;
  virtual void CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) = 0;

  // To be called every few seconds: if nothing was asked for since the last call, and more was before, gives memory
  // back. What is only in the log and the memtable is written out, and the block cache is emptied.
  virtual void RestIfIdle() {}

  // Costs next to nothing: looking at the disk is a worker's, twice a second at most.
  virtual DiskClass disk_class() const = 0;
  virtual StoreFigures figures() const = 0;
  virtual absl::Status health() const = 0;  // the sticky status

  // Waits for what was handed in, then closes. Nothing may be called afterwards. The destructor does it otherwise.
  virtual absl::Status Close() = 0;
};

// Opens or creates the store in `options.data_dir`, which it locks against a second process.
// Errors, each saying what to do: FAILED_PRECONDITION (locked by another process; format of a newer version),
// PERMISSION_DENIED (not writable), RESOURCE_EXHAUSTED (no space), DATA_LOSS (corrupt log or table: nothing was
// changed). `on_fatal` runs once, on any thread, when the engine has become unusable; it must not call into the engine
// but for health(). It does not run during Close().
absl::StatusOr<std::unique_ptr<StoreEngine>> OpenStoreEngine(StoreOptions options, WorkerFactory& workers,
                                                             Tracer& tracer,
                                                             std::function<void(absl::Status)> on_fatal);

}  // namespace henge
