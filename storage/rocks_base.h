// What each of a node's stores stands on: a locked directory, a RocksDB in it, and the rules for failures (P36).
// Internal to storage.
//
// Owned by one store. The commit worker of that store alone writes; the other members are thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/data_dir.h"
#include "storage/disk_watch.h"
#include "storage/sticky_status.h"
#include "storage/store_engine.h"
#include "storage/synced_mark.h"

namespace rocksdb {
class Cache;
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace henge {

struct RocksBase {
  RocksBase();
  ~RocksBase();
  RocksBase(RocksBase&&) noexcept;
  RocksBase& operator=(RocksBase&&) noexcept;

  std::unique_ptr<DataDir> dir;
  std::shared_ptr<StickyStatus> sticky;  // armed by the store when its open has succeeded
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<SyncedMark> synced;
  std::unique_ptr<DiskWatch> disk;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> families;  // of `db`, and gone before it
  size_t flush_bytes = 0;            // a deterministic store flushes after so many bytes; 0: RocksDB decides
  uint64_t flush_every_commits = 0;  // and after so many commits; 0: by bytes alone
  size_t unflushed_bytes = 0;
  uint64_t unflushed_commits = 0;
};

// The default one is always there, and first; the Merkle leaves come second.
enum class RocksFamilies { kDefaultOnly, kWithLeaves };

// Every check first, then the database. Errors as OpenStoreEngine's.
absl::StatusOr<RocksBase> OpenRocksBase(const StoreOptions& options, RocksFamilies families, Tracer& tracer,
                                        std::function<void(absl::Status)> on_fatal);

// Writes and syncs; a failure is final.
absl::Status WriteSynced(RocksBase& base, rocksdb::WriteBatch* batch);

// After `bytes` were written and synced: keeps the synced mark, and schedules a flush if it is this store's turn to
// decide about one.
absl::Status AfterSyncedWrite(RocksBase& base, size_t bytes);

// Schedules a flush of all families together, and doesn't wait: the caller of a deterministic store runs it. A failure
// is final.
absl::Status BeginFlush(RocksBase& base);

// The workers have stopped. What fails from now on is this call's answer.
absl::Status CloseRocksBase(RocksBase& base);

}  // namespace henge
