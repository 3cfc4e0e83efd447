#include "tests/unit/node/fake_store_engine.h"

namespace henge::node_test {

StoreEngine::ReadResult FakeStoreEngine::ReadOne(const RecordKey& key) const {
  if (unreadable.contains(key.key)) return absl::DataLossError("the record does not pass its checksum");
  auto record = records.find(key);
  if (record == records.end()) return std::optional<StoredRecord>();
  return std::optional<StoredRecord>(record->second);
}

std::vector<StoreEngine::ReadResult> FakeStoreEngine::ReadCached(std::span<const RecordKey* const> keys) {
  std::vector<ReadResult> results;
  for (const RecordKey* key : keys) {
    results.push_back(on_disk ? ReadResult(absl::UnavailableError("needs the disk")) : ReadOne(*key));
  }
  return results;
}

void FakeStoreEngine::ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) {
  held_reads_.push_back([this, keys = std::move(keys), &loop, done = std::move(done)]() mutable {
    std::vector<ReadResult> results;
    for (const RecordKey& key : keys) results.push_back(ReadOne(key));
    loop.Post([results = std::move(results), done = std::move(done)]() mutable { done(std::move(results)); });
  });
}

void FakeStoreEngine::Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) {
  ++commits;
  Closure commit = [this, items = std::move(items), &loop, done = std::move(done)]() mutable {
    if (commit_error.ok()) {
      for (const CommitItem& item : items) {
        if (mended_by_writing) unreadable.erase(item.key.key);
        records[item.key] = item.record;
      }
    }
    loop.Post([status = commit_error, items = std::move(items), done = std::move(done)]() mutable {
      done(std::move(status), std::move(items));
    });
  };
  held_commits_.push_back(std::move(commit));
  if (!hold_commits) loop_.Post([this] { ReleaseCommits(); });
}

void FakeStoreEngine::Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) {
  Page page{.cursor = cursor, .done = true};
  size_t bytes = 0;
  for (const auto& [key, record] : records) {
    if (key.partition != partition || key.key <= cursor) continue;
    if (bytes >= bytes_max) {
      page.done = false;
      break;
    }
    bytes += record.object.size();
    page.cursor = key.key;
    page.items.emplace_back(key, record);
  }
  loop.Post([page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); });
}

absl::Status FakeStoreEngine::OpenTrees(ClusterId cluster) {
  tree_key_ = cluster;
  return absl::OkStatus();
}

PartitionTree FakeStoreEngine::ReadTree(PartitionId partition) const {
  PartitionTree tree;
  for (const auto& [key, record] : records) {
    if (key.partition != partition) continue;
    tree.Apply(SegmentOf(key.bucket, key.key), RecordHash(tree_key_, key.bucket, key.key, record.object));
  }
  for (const auto& [leaf, wrong] : drift) {
    if (leaf.partition == partition) tree.Apply(leaf.segment, wrong);
  }
  return tree;
}

void FakeStoreEngine::ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t, Executor& loop, LeafDone done) {
  if (unreadable_leaves.contains(leaf)) {
    loop.Post([done = std::move(done)]() mutable { done(absl::DataLossError("a block of the leaf is broken")); });
    return;
  }
  LeafPage page{.records = {}, .done = true};
  for (const auto& [key, record] : records) {
    if (key.partition != leaf.partition || SegmentOf(key.bucket, key.key) != leaf.segment) continue;
    if (after.has_value() && key <= *after) continue;
    page.records.push_back({key.bucket, key.key, RecordHash(tree_key_, key.bucket, key.key, record.object)});
  }
  loop.Post([page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); });
}

void FakeStoreEngine::RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) {
  const auto found = drift.extract(leaf);
  const uint64_t wrong = found.empty() ? 0 : found.mapped();
  loop.Post([wrong, done = std::move(done)]() mutable { done(wrong); });
}

absl::StatusOr<std::optional<std::string>> FakeStoreEngine::ReadMeta(std::string_view name) {
  auto found = meta_.find(std::string(name));
  if (found == meta_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

absl::Status FakeStoreEngine::WriteMeta(std::string_view name, std::string_view value) {
  meta_[std::string(name)] = std::string(value);
  return absl::OkStatus();
}

void FakeStoreEngine::CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) {
  held_commits_.push_back(
      [this, name = std::move(name), value = std::move(value), &loop, done = std::move(done)]() mutable {
        if (commit_error.ok()) meta_[name] = value;
        loop.Post([status = commit_error, done = std::move(done)]() mutable { done(std::move(status)); });
      });
  if (!hold_commits) loop_.Post([this] { ReleaseCommits(); });
}

void FakeStoreEngine::ReleaseCommits() {
  for (Closure& commit : std::exchange(held_commits_, {})) commit();
}

void FakeStoreEngine::ReleaseReads() {
  for (Closure& read : std::exchange(held_reads_, {})) read();
}

}  // namespace henge::node_test
