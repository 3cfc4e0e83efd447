// The commit worker: all that has gathered becomes one WriteBatch, one log record, one sync.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/model/wire.h"
#include "storage/commit_job.h"
#include "storage/key_format.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_status.h"
#include "storage/stored_record.h"

namespace henge {
namespace {

// A group beyond this is cut: it bounds the memory of one write, and its first jobs needn't wait for its last.
constexpr size_t kGroupBytesMax = size_t{8} << 20;
// What RocksDB adds to a record in a WriteBatch: its type and two lengths.
constexpr size_t kBatchRecordOverheadBytes = 16;
constexpr size_t kBatchHeaderBytes = 12;
// A store at rest keeps less than this in its memtable rather than making a table of it.
constexpr size_t kRestBytesMin = size_t{1} << 20;

// The records of a group in storage order, of each key the last one only: the group is durable as a whole or not at
// all. In order, because the memtable then finds each place near the one before. And what they add to the leaves: those
// that don't stay are steps from the record before the group to the one after it, so their deltas count too.
class SortedRecords {
 public:
  struct Record {
    size_t key_begin;
    size_t key_end;
    const CommitItem* item;
  };
  struct Delta {
    LeafId leaf;
    uint64_t delta;
    bool from_scan;
  };

  explicit SortedRecords(std::span<CommitJob* const> jobs) {
    size_t count = 0;
    size_t key_bytes = 0;
    for (const CommitJob* job : jobs) {
      count += job->items.size();
      for (const CommitItem& item : job->items) key_bytes += kStorageKeyHeaderBytes + item.key.key.size();
    }
    records_.reserve(count);
    keys_.reserve(key_bytes);
    for (const CommitJob* job : jobs) {
      for (const CommitItem& item : job->items) {
        size_t begin = keys_.size();
        AppendStorageKey(item.key, &keys_);
        records_.push_back({begin, keys_.size(), &item});
      }
    }
    // Of one key the last one handed in comes first, and stays.
    std::sort(records_.begin(), records_.end(), [this](const Record& a, const Record& b) {
      int order = KeyOf(a).compare(KeyOf(b));
      return order != 0 ? order < 0 : a.key_begin > b.key_begin;
    });
    for (const Record& record : records_) {
      const LeafId leaf = LeafOfKey(KeyOf(record));
      if (deltas_.empty() || deltas_.back().leaf != leaf) deltas_.push_back({leaf, 0, false});
      deltas_.back().delta ^= record.item->leaf_delta;
      deltas_.back().from_scan |= record.item->leaf_from_scan;
    }
    auto same_key = [this](const Record& a, const Record& b) { return KeyOf(a) == KeyOf(b); };
    records_.erase(std::unique(records_.begin(), records_.end(), same_key), records_.end());
  }

  std::string_view KeyOf(const Record& record) const {
    return std::string_view(keys_).substr(record.key_begin, record.key_end - record.key_begin);
  }
  const std::vector<Record>& records() const { return records_; }
  // In order, of each leaf one.
  const std::vector<Delta>& deltas() const { return deltas_; }

 private:
  std::string keys_;
  std::vector<Record> records_;
  std::vector<Delta> deltas_;
};

// The answers of one group to one loop, in the order in which the loop asked: one post, however many batches.
struct LoopAnswers {
  struct One {
    StoreEngine::CommitDone done;
    std::vector<CommitItem> items;
  };
  Executor* loop;
  std::vector<One> ones;
};

void Answer(std::span<CommitJob* const> jobs, const absl::Status& status) {
  absl::InlinedVector<LoopAnswers, 4> answers;
  for (CommitJob* job : jobs) {
    LoopAnswers* mine = nullptr;
    for (LoopAnswers& candidate : answers) {
      if (candidate.loop == job->loop) mine = &candidate;
    }
    if (mine == nullptr) mine = &answers.emplace_back(LoopAnswers{job->loop, {}});
    mine->ones.push_back({std::move(job->done), std::move(job->items)});
  }
  for (LoopAnswers& answer : answers) {
    answer.loop->Post([ones = std::move(answer.ones), status]() mutable {
      for (LoopAnswers::One& one : ones) one.done(status, std::move(one.items));
    });
  }
}

rocksdb::Status PutMeta(std::string_view name, std::string_view value, rocksdb::WriteBatch* batch) {
  std::string key = MetaKey(name);
  StoredRecord record{std::string(value), std::nullopt, 0};
  RecordHeader header(key, record);
  return batch->Put(key, std::string(header.bytes()).append(value));
}

rocksdb::Status PutLeaf(LeafId leaf, uint64_t hash, rocksdb::ColumnFamilyHandle* family, rocksdb::WriteBatch* batch) {
  char value[sizeof(hash)];
  PutFixed64(value, hash);
  return batch->Put(family, LeafKey(leaf), rocksdb::Slice(value, sizeof(value)));
}

// All that a group writes: one batch, so that no crash parts a record from its leaf (H54).
template <class Changes>
rocksdb::Status FillBatch(const SortedRecords& records, std::span<CommitJob* const> jobs, const Changes& leaves,
                          rocksdb::ColumnFamilyHandle* family, rocksdb::WriteBatch* batch) {
  for (const SortedRecords::Record& record : records.records()) {
    const StoredRecord& stored = record.item->record;
    std::string_view storage_key = records.KeyOf(record);
    RecordHeader header(storage_key, stored);
    const rocksdb::Slice key[] = {{storage_key.data(), storage_key.size()}};
    const rocksdb::Slice value[] = {{header.bytes().data(), header.bytes().size()}, stored.object};
    rocksdb::Status status = batch->Put(rocksdb::SliceParts(key, 1), rocksdb::SliceParts(value, 2));
    if (!status.ok()) return status;
  }
  for (const auto& change : leaves) {
    if (rocksdb::Status status = PutLeaf(change.leaf, change.hash, family, batch); !status.ok()) return status;
  }
  for (const CommitJob* job : jobs) {
    if (job->meta_name.empty()) continue;
    if (rocksdb::Status status = PutMeta(job->meta_name, job->meta_value, batch); !status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

}  // namespace

CommitJob::CommitJob(std::vector<CommitItem> items_in, Executor* loop_in, StoreEngine::CommitDone done_in)
    : items(std::move(items_in)), loop(loop_in), done(std::move(done_in)) {
  waiting = static_cast<uint32_t>(items.size());
  for (const CommitItem& item : items) {
    bytes += kBatchRecordOverheadBytes + kStorageKeyHeaderBytes + item.key.key.size() + RecordHeader::kBytesMax +
             item.record.object.size();
  }
}

void RocksEngine::Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) {
  uses_.fetch_add(1, std::memory_order_relaxed);
  commit_worker_->Submit(std::make_unique<CommitJob>(std::move(items), &loop, std::move(done)));
}

void RocksEngine::RestIfIdle() {
  const uint64_t uses = uses_.load(std::memory_order_relaxed);
  if (uses_at_rest_.exchange(uses, std::memory_order_relaxed) != uses) {
    resting_.store(false, std::memory_order_relaxed);
    return;
  }
  if (resting_.exchange(true, std::memory_order_relaxed)) return;
  auto job = std::make_unique<CommitJob>(std::vector<CommitItem>(), nullptr, nullptr);
  job->rest = true;
  commit_worker_->Submit(std::move(job));
}

void RocksEngine::Rest() {
  parts_.cache->EraseUnRefEntries();
  if (bytes_since_rest_ < kRestBytesMin || !parts_.sticky->ok()) return;
  bytes_since_rest_ = 0;
  if (absl::Status status = BeginFlush(parts_); !status.ok()) {
    tracer_.Event(Severity::kError, "RestFailed", {{"status", status.ToString()}});
  }
}

void RocksEngine::CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) {
  auto job = std::make_unique<CommitJob>(
      std::vector<CommitItem>(), &loop,
      [done = std::move(done)](absl::Status status, std::vector<CommitItem>) mutable { done(std::move(status)); });
  job->bytes =
      kBatchRecordOverheadBytes + kStorageKeyHeaderBytes + name.size() + RecordHeader::kBytesMax + value.size();
  job->meta_name = std::move(name);
  job->meta_value = std::move(value);
  commit_worker_->Submit(std::move(job));
}

void RocksEngine::RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) {
  auto job = std::make_unique<CommitJob>(std::vector<CommitItem>(), &loop, nullptr);
  job->rewrite = leaf;
  job->rewritten = std::move(done);
  commit_worker_->Submit(std::move(job));
}

void RocksEngine::RunCommits(std::vector<std::unique_ptr<WorkItem>> work) {
  std::vector<CommitJob*> group;
  group.reserve(work.size());
  size_t bytes = 0;
  auto finish_group = [&] {
    if (group.empty()) return;
    Answer(group, WriteJobs(group, bytes));
    group.clear();
    bytes = 0;
  };
  for (std::unique_ptr<WorkItem>& item : work) {
    auto* job = static_cast<CommitJob*>(item.get());
    if (job->rest) {
      Rest();
      continue;
    }
    if (job->rewrite.has_value()) {
      finish_group();
      job->loop->Post(
          [done = std::move(job->rewritten), result = Rewrite(*job->rewrite)]() mutable { done(std::move(result)); });
      continue;
    }
    if (bytes + job->bytes > kGroupBytesMax) finish_group();
    group.push_back(job);
    bytes += job->bytes;
  }
  finish_group();
  if (parts_.disk->ClaimDue()) parts_.disk->Look();
}

absl::Status RocksEngine::WriteJobs(std::span<CommitJob* const> jobs, size_t bytes) {
  if (!parts_.sticky->ok()) return parts_.sticky->Get();
  SortedRecords records(jobs);
  std::vector<LeafChange> leaves;
  if (tree_key_ != ClusterId{}) {
    leaves.reserve(records.deltas().size());
    for (const auto& [leaf, delta, from_scan] : records.deltas()) {
      const absl::StatusOr<uint64_t> before = from_scan ? HashOfLeaf(leaf) : leaves_.Leaf(leaf);
      // A leaf whose block is rotten can't be scanned. The owners' copies were most likely what was lost.
      if (before.ok() && (*before ^ delta) != leaves_.Leaf(leaf)) leaves.push_back({leaf, *before ^ delta});
    }
    bytes += leaves.size() * (kBatchRecordOverheadBytes + kLeafKeyBytes + sizeof(uint64_t));
  }
  rocksdb::WriteBatch batch(bytes + kBatchHeaderBytes);
  if (rocksdb::Status status = FillBatch(records, jobs, leaves, leaves_family(), &batch); !status.ok()) {
    parts_.sticky->Fail(FatalStatus(status, "can't build a batch"));
    return parts_.sticky->Get();
  }
  absl::Status written = WriteSynced(parts_, &batch);
  if (!written.ok()) return written;
  for (const LeafChange& change : leaves) leaves_.Set(change.leaf, change.hash);
  commits_.fetch_add(1, std::memory_order_relaxed);
  records_.fetch_add(records.records().size(), std::memory_order_relaxed);
  bytes_since_rest_ += bytes;
  return AfterSyncedWrite(parts_, bytes);
}

absl::Status RocksEngine::WriteMeta(std::string_view name, std::string_view value) {
  if (!parts_.sticky->ok()) return parts_.sticky->Get();
  rocksdb::WriteBatch batch;
  rocksdb::Status status = PutMeta(name, value, &batch);
  if (!status.ok()) return FromRocks(status, "can't build a batch");
  return WriteSynced(parts_, &batch);
}

}  // namespace henge
