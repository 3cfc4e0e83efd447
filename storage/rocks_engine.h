// StoreEngine over one RocksDB. Internal to storage.
//
// Thread-safe: the loops call in, two workers do the blocking work. What is visible is durable: a batch enters the
// memtable only after its log record is synced, so that every read of the store is a durable read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/data_dir.h"
#include "storage/disk_watch.h"
#include "storage/sticky_status.h"
#include "storage/store_engine.h"
#include "storage/synced_mark.h"

namespace rocksdb {
class Cache;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace henge {

struct CommitJob;

class RocksEngine final : public StoreEngine {
 public:
  // What an open has made and checked.
  struct Parts {
    std::unique_ptr<DataDir> dir;
    std::shared_ptr<StickyStatus> sticky;
    std::shared_ptr<rocksdb::Cache> cache;
    std::unique_ptr<SyncedMark> synced;
    std::unique_ptr<DiskWatch> disk;
    std::unique_ptr<rocksdb::DB> db;
    size_t flush_bytes = 0;            // a deterministic store flushes after so many bytes; 0: RocksDB decides
    uint64_t flush_every_commits = 0;  // and after so many commits; 0: by bytes alone
  };

  RocksEngine(Parts parts, Tracer& tracer);
  ~RocksEngine() override;

  // Reads the store's id, or draws it in an empty store. Then starts the workers.
  absl::Status Start(rocksdb::Env& env, WorkerFactory& workers);

  StoreId store_id() const override { return store_id_; }
  std::vector<ReadResult> ReadCached(std::span<const RecordKey* const> keys) override;
  void ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) override;
  void Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) override;
  void Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) override;
  absl::StatusOr<std::optional<std::string>> ReadMeta(std::string_view name) override;
  absl::Status WriteMeta(std::string_view name, std::string_view value) override;
  void CommitMeta(std::string name, std::string value, Executor& loop, CommitDone done) override;
  void RestIfIdle() override;
  DiskClass disk_class() const override;
  StoreFigures figures() const override;
  absl::Status health() const override { return parts_.sticky->Get(); }
  absl::Status Close() override;

 private:
  struct ReadJob;
  struct ScanJob;
  struct LookJob;

  enum class Blocking { kNo, kYes };
  std::vector<ReadResult> ReadRecords(std::span<const RecordKey* const> keys, Blocking blocking);
  absl::StatusOr<Page> ReadPage(const ScanJob& job);

  void RunCommits(std::vector<std::unique_ptr<WorkItem>> work);
  absl::Status WriteJobs(std::span<CommitJob* const> jobs, size_t bytes);
  absl::Status WriteSynced(rocksdb::WriteBatch* batch);
  absl::Status FlushIfFull(size_t bytes);
  absl::Status BeginFlush();
  void Rest();
  void RunReads(std::vector<std::unique_ptr<WorkItem>> work);
  void CountBroken(const RecordKey& key, const absl::Status& why);
  absl::Status StartStoreId(rocksdb::Env& env);

  Parts parts_;
  Tracer& tracer_;
  StoreId store_id_;

  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> quarantined_{0};

  std::atomic<uint64_t> uses_{0};          // calls of the loops
  std::atomic<uint64_t> uses_at_rest_{0};  // as of the last RestIfIdle
  std::atomic<bool> resting_{true};        // nothing was asked for since the memory was given back

  // The commit worker's.
  size_t unflushed_bytes_ = 0;
  uint64_t unflushed_commits_ = 0;
  size_t bytes_since_rest_ = 0;

  std::unique_ptr<BatchWorker> commit_worker_;
  std::unique_ptr<BatchWorker> read_worker_;
  bool closed_ = false;
};

}  // namespace henge
