// StoreEngine over one RocksDB. Internal to storage.
//
// Thread-safe: the loops call in, two workers do the blocking work. What is visible is durable: a batch enters the
// memtable only after its log record is synced, so that every read of the store is a durable read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/data_dir.h"
#include "storage/disk_watch.h"
#include "storage/leaf_table.h"
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
    std::vector<std::unique_ptr<rocksdb::ColumnFamilyHandle>> families;  // of `db`, and gone before it
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
  absl::Status OpenTrees(ClusterId cluster) override;
  ClusterId tree_key() const override { return tree_key_; }
  uint64_t ReadRoot(PartitionId partition) const override { return leaves_.Root(partition); }
  PartitionTree ReadTree(PartitionId partition) const override { return leaves_.Tree(partition); }
  void ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t bytes_max, Executor& loop, LeafDone done) override;
  void RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) override;
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
  struct LeafJob;
  struct LeafChange {
    LeafId leaf;
    uint64_t hash = 0;  // the new one
  };

  enum class Blocking { kNo, kYes };
  rocksdb::ColumnFamilyHandle* leaves_family() const { return parts_.families[1].get(); }
  std::vector<ReadResult> ReadRecords(std::span<const RecordKey* const> keys, Blocking blocking);
  absl::StatusOr<Page> ReadPage(const ScanJob& job);
  absl::StatusOr<LeafPage> ReadLeafPage(const LeafJob& job);
  // The hash of a record as it stands in the store; nullopt for one that is broken, which is counted.
  std::optional<LeafRecord> HashStored(std::string_view storage_key, std::string_view value);

  void RunCommits(std::vector<std::unique_ptr<WorkItem>> work);
  absl::Status WriteJobs(std::span<CommitJob* const> jobs, size_t bytes);
  absl::Status WriteSynced(rocksdb::WriteBatch* batch);
  absl::Status FlushIfFull(size_t bytes);
  absl::StatusOr<uint64_t> Rewrite(LeafId leaf);
  // Of the records that are there and can be read.
  absl::StatusOr<uint64_t> HashOfLeaf(LeafId leaf);
  absl::Status LoadTrees();
  absl::Status MakeTrees();
  absl::Status EmptyLeaves();
  void ScanForTrees();
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

  ClusterId tree_key_;  // set before the loops run
  LeafTable leaves_;

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
