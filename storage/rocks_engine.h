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

#include "storage/leaf_table.h"
#include "storage/rocks_base.h"
#include "storage/store_engine.h"

namespace henge {

struct CommitJob;

class RocksEngine final : public StoreEngine {
 public:
  using Parts = RocksBase;

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
  void CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) override;
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
  absl::StatusOr<uint64_t> Rewrite(LeafId leaf);
  // Of the records that are there and can be read.
  absl::StatusOr<uint64_t> HashOfLeaf(LeafId leaf);
  absl::Status LoadTrees();
  absl::Status MakeTrees();
  absl::Status EmptyLeaves();
  void ScanForTrees();
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

  size_t bytes_since_rest_ = 0;  // the commit worker's

  std::unique_ptr<BatchWorker> commit_worker_;
  std::unique_ptr<BatchWorker> read_worker_;
  bool closed_ = false;
};

}  // namespace henge
