// The commit worker: all that has gathered becomes one WriteBatch, one log record, one sync.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
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

// The answers of one group to one loop, in the order in which the loop asked: one post, however many batches.
struct LoopAnswers {
  Executor* loop;
  std::vector<StoreEngine::CommitDone> done;
};

void Answer(std::span<CommitJob* const> jobs, const absl::Status& status) {
  absl::InlinedVector<LoopAnswers, 4> answers;
  for (CommitJob* job : jobs) {
    LoopAnswers* mine = nullptr;
    for (LoopAnswers& candidate : answers) {
      if (candidate.loop == job->loop) mine = &candidate;
    }
    if (mine == nullptr) mine = &answers.emplace_back(LoopAnswers{job->loop, {}});
    mine->done.push_back(std::move(job->done));
  }
  for (LoopAnswers& answer : answers) {
    answer.loop->Post([done = std::move(answer.done), status]() mutable {
      for (StoreEngine::CommitDone& one : done) one(status);
    });
  }
}

}  // namespace

CommitJob::CommitJob(std::vector<CommitItem> items_in, Executor* loop_in, StoreEngine::CommitDone done_in)
    : items(std::move(items_in)), loop(loop_in), done(std::move(done_in)) {
  for (const CommitItem& item : items) {
    bytes += kBatchRecordOverheadBytes + kStorageKeyHeaderBytes + item.key.key.size() + RecordHeader::kBytesMax +
             item.record.object.size();
  }
}

void RocksEngine::Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) {
  commit_worker_->Submit(std::make_unique<CommitJob>(std::move(items), &loop, std::move(done)));
}

void RocksEngine::RunCommits(std::vector<std::unique_ptr<WorkItem>> work) {
  std::vector<CommitJob*> group;
  group.reserve(work.size());
  size_t bytes = 0;
  auto finish_group = [&] {
    Answer(group, WriteJobs(group, bytes));
    group.clear();
    bytes = 0;
  };
  for (std::unique_ptr<WorkItem>& item : work) {
    auto* job = static_cast<CommitJob*>(item.get());
    if (!group.empty() && bytes + job->bytes > kGroupBytesMax) finish_group();
    group.push_back(job);
    bytes += job->bytes;
  }
  if (!group.empty()) finish_group();
  if (parts_.disk->ClaimDue()) parts_.disk->Look();
}

absl::Status RocksEngine::WriteJobs(std::span<CommitJob* const> jobs, size_t bytes) {
  if (!parts_.sticky->ok()) return parts_.sticky->Get();
  rocksdb::WriteBatch batch(bytes + sizeof(uint64_t) * 2);
  std::string storage_key;
  uint64_t records = 0;
  for (CommitJob* job : jobs) {
    for (const CommitItem& item : job->items) {
      storage_key.clear();
      AppendStorageKey(item.key, &storage_key);
      RecordHeader header(storage_key, item.record);
      const rocksdb::Slice key[] = {storage_key};
      const rocksdb::Slice value[] = {{header.bytes().data(), header.bytes().size()}, item.record.object};
      rocksdb::Status status = batch.Put(rocksdb::SliceParts(key, 1), rocksdb::SliceParts(value, 2));
      if (!status.ok()) {
        parts_.sticky->Fail(FromRocks(status, "can't build a batch"));
        return parts_.sticky->Get();
      }
    }
    records += job->items.size();
  }
  absl::Status written = WriteSynced(&batch);
  if (!written.ok()) return written;
  const uint64_t commits = commits_.fetch_add(1, std::memory_order_relaxed) + 1;
  records_.fetch_add(records, std::memory_order_relaxed);
  parts_.synced->Note(parts_.db->GetLatestSequenceNumber());
  if (parts_.flush_every_commits > 0 && commits % parts_.flush_every_commits == 0) {
    rocksdb::FlushOptions flush;
    flush.wait = false;
    flush.allow_write_stall = true;
    rocksdb::Status status = parts_.db->Flush(flush);
    if (!status.ok()) parts_.sticky->Fail(FatalStatus(status, "the store can't flush"));
  }
  return absl::OkStatus();
}

absl::Status RocksEngine::WriteSynced(rocksdb::WriteBatch* batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = parts_.db->Write(options, batch);
  if (status.ok()) return absl::OkStatus();
  parts_.sticky->Fail(FatalStatus(status, absl::StrCat("the store in ", parts_.dir->path(), " can't write its log")));
  return parts_.sticky->Get();
}

absl::Status RocksEngine::WriteMeta(std::string_view name, std::string_view value) {
  if (!parts_.sticky->ok()) return parts_.sticky->Get();
  std::string key = MetaKey(name);
  StoredRecord record{std::string(value), std::nullopt, 0};
  RecordHeader header(key, record);
  rocksdb::WriteBatch batch;
  rocksdb::Status status = batch.Put(key, std::string(header.bytes()).append(value));
  if (!status.ok()) return FromRocks(status, "can't build a batch");
  return WriteSynced(&batch);
}

}  // namespace henge
