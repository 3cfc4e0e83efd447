// A store in memory, with switches for each way in which a real one can be slow or fail.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/store_engine.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::node_test {

class FakeStoreEngine final : public StoreEngine {
 public:
  FakeStoreEngine(Executor& loop, StoreId id) : loop_(loop), id_(id) {}

  StoreId store_id() const override { return id_; }
  std::vector<ReadResult> ReadCached(std::span<const RecordKey* const> keys) override;
  void ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) override;
  void Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) override;
  void Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) override;
  absl::Status OpenTrees(ClusterId cluster) override;
  ClusterId tree_key() const override { return tree_key_; }
  uint64_t ReadRoot(PartitionId partition) const override { return ReadTree(partition).root(); }
  // As the records are: whoever writes to `records` needn't care.
  PartitionTree ReadTree(PartitionId partition) const override;
  void ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t bytes_max, Executor& loop, LeafDone done) override;
  void RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) override;
  absl::StatusOr<std::optional<std::string>> ReadMeta(std::string_view name) override;
  absl::Status WriteMeta(std::string_view name, std::string_view value) override;
  void CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) override;
  DiskClass disk_class() const override { return disk; }
  StoreFigures figures() const override { return {}; }
  absl::Status health() const override { return broken; }
  absl::Status Close() override { return absl::OkStatus(); }

  // Makes durable what was handed in, or fails it.
  void ReleaseCommits();
  void ReleaseReads();

  bool hold_commits = false;
  bool on_disk = false;  // reads wait for ReleaseReads
  DiskClass disk = DiskClass::kPlenty;
  absl::Status broken;                        // the sticky status
  absl::Status commit_error;                  // of the next commits
  std::set<std::string> unreadable;           // keys
  bool mended_by_writing = false;             // until they are written anew
  std::set<LeafId> unreadable_leaves;         // for scans: a block is broken
  std::map<LeafId, uint64_t> drift;           // by which leaves are wrong, until they are rewritten
  std::map<RecordKey, StoredRecord> records;  // durable
  int commits = 0;

 private:
  ReadResult ReadOne(const RecordKey& key) const;

  Executor& loop_;
  StoreId id_;
  ClusterId tree_key_;
  std::map<std::string, std::string> meta_;
  std::vector<Closure> held_commits_;
  std::vector<Closure> held_reads_;
};

inline RecordKey Key(std::string key) {
  const PartitionId partition = PartitionOf(key);
  return {partition, BucketId(1), std::move(key)};
}

}  // namespace henge::node_test
