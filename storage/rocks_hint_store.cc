// Opening, reading and closing; the commits are in rocks_hint_commit.cc.
#include "storage/rocks_hint_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/runtime/status_macros.h"
#include "storage/hint_format.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr size_t kCacheBytesMax = size_t{8} << 20;
constexpr size_t kWriteBufferBytesMax = size_t{8} << 20;
constexpr int kWriteBuffers = 2;
constexpr size_t kAsideBatchBytesMax = size_t{4} << 20;

}  // namespace

// One of three kinds: keys to read (`read`), a page to read (`page`), or neither: a look at the disk.
struct RocksHintStore::ReadWork : WorkItem {
  std::vector<HintKey> keys;
  ReadDone read;
  PageQuery query;
  PageDone page;
  Executor* loop = nullptr;
};

StoreOptions HintStoreOptions(const StoreOptions& data) {
  StoreOptions options = data;
  options.data_dir = absl::StrCat(data.data_dir, "/hints");
  options.block_cache_bytes = std::min(data.block_cache_bytes, kCacheBytesMax);
  options.write_buffer_bytes = std::min(data.write_buffer_bytes, kWriteBufferBytesMax);
  options.write_buffers_max = kWriteBuffers;
  // Between where client writes are refused and where even deletes are.
  options.free_bytes_for_writes = (data.free_bytes_for_writes + data.free_bytes_for_control) / 2;
  return options;
}

absl::StatusOr<std::unique_ptr<HintStore>> OpenHintStore(StoreOptions options, WorkerFactory& workers, Tracer& tracer,
                                                         std::function<void(absl::Status)> on_fatal) {
  HENGE_ASSIGN_OR_RETURN(RocksBase base,
                         OpenRocksBase(options, RocksFamilies::kDefaultOnly, tracer, std::move(on_fatal)));
  std::shared_ptr<StickyStatus> sticky = base.sticky;
  auto store = std::make_unique<RocksHintStore>(std::move(base), tracer);
  HENGE_RETURN_IF_ERROR(store->Start(workers));
  sticky->Arm();
  HENGE_RETURN_IF_ERROR(sticky->Get());
  return store;
}

RocksHintStore::RocksHintStore(RocksBase base, Tracer& tracer) : base_(std::move(base)), tracer_(tracer) {}

RocksHintStore::~RocksHintStore() {
  absl::Status status = Close();
  if (!status.ok()) tracer_.Event(Severity::kWarning, "StoreCloseFailed", {{"status", status.ToString()}});
}

absl::Status RocksHintStore::Start(WorkerFactory& workers) {
  HENGE_RETURN_IF_ERROR(TakeCensus());
  HENGE_RETURN_IF_ERROR(ReadMarks());
  base_.disk->Look();
  commit_worker_ = workers.MakeWorker("hint-commit", [this](auto work) { RunCommits(std::move(work)); });
  read_worker_ = workers.MakeWorker("hint-read", [this](auto work) { RunReads(std::move(work)); });
  return absl::OkStatus();
}

absl::Status RocksHintStore::TakeCensus() {
  const std::string end = MarksBegin();
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  rocksdb::WriteBatch aside;
  std::map<std::pair<MemberId, PartitionId>, Census> census;
  std::unique_ptr<rocksdb::Iterator> at(base_.db->NewIterator(options));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const std::string_view key_bytes = at->key().ToStringView();
    absl::StatusOr<HintKey> key = DecodeHintKey(key_bytes);
    const absl::StatusOr<StoredHint> hint =
        key.ok() ? DecodeStoredHint(key_bytes, at->value().ToStringView()) : absl::StatusOr<StoredHint>(key.status());
    if (!hint.ok()) {
      SayBroken(key.value_or(HintKey()), hint.status());
      rocksdb::Status status = aside.Put(AsideKey(key_bytes), at->value());
      if (status.ok()) status = aside.Delete(at->key());
      if (!status.ok()) return FromRocks(status, "can't set a broken hint aside");
      if (aside.GetDataSize() < kAsideBatchBytesMax) continue;
      HENGE_RETURN_IF_ERROR(WriteSynced(base_, &aside));
      aside.Clear();
      continue;
    }
    Census& entry = census[{key->target, key->record.partition}];
    entry.target = key->target;
    entry.partition = key->record.partition;
    entry.oldest_ms = entry.count == 0 ? hint->stored_at_ms : std::min(entry.oldest_ms, hint->stored_at_ms);
    ++entry.count;
    entry.bytes += key_bytes.size() + at->value().size();
  }
  if (!at->status().ok()) {
    return absl::DataLossError(absl::StrCat(
        "the hints in ", base_.dir->path(), " can't be read: ", at->status().ToString(),
        "; restore the disk, or remove that directory: what it keeps for other members is then given up here, and "
        "comes to them from the other owners"));
  }
  for (const auto& [where, entry] : census) {
    hints_ += entry.count;
    bytes_ += entry.bytes;
    census_.push_back(entry);
  }
  return aside.Count() == 0 ? absl::OkStatus() : WriteSynced(base_, &aside);
}

// Marks are few: 16,384 rows at most.
absl::Status RocksHintStore::ReadMarks() {
  const std::string end = AsideBegin();
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  rocksdb::WriteBatch mended;
  std::unique_ptr<rocksdb::Iterator> at(base_.db->NewIterator(options));
  for (at->Seek(MarksBegin()); at->Valid(); at->Next()) {
    const std::string_view key = at->key().ToStringView();
    const absl::StatusOr<PartitionId> partition = DecodeMarksKey(key);
    if (!partition.ok()) {
      SayBroken(HintKey(), partition.status());
      rocksdb::Status status = mended.Put(AsideKey(key), at->value());
      if (status.ok()) status = mended.Delete(at->key());
      if (!status.ok()) return FromRocks(status, "can't set broken marks aside");
      continue;
    }
    absl::StatusOr<MarkedPartition> marks = DecodeMarks(key, at->value().ToStringView());
    if (!marks.ok()) {
      marks = MarksBroken(*partition, marks.status());
      rocksdb::Status status = mended.Put(at->key(), EncodeMarks(key, *marks));
      if (!status.ok()) return FromRocks(status, "can't write broken marks anew");
    }
    marks_[*partition] = *std::move(marks);
  }
  if (!at->status().ok()) return FromRocks(at->status(), "can't read the dirty marks");
  return mended.Count() == 0 ? absl::OkStatus() : WriteSynced(base_, &mended);
}

MarkedPartition RocksHintStore::MarksBroken(PartitionId partition, const absl::Status& why) {
  set_aside_.fetch_add(1, std::memory_order_relaxed);
  tracer_.Event(Severity::kAlarm, "MarksBroken",
                {{"partition", uint64_t{partition.value()}}, {"why", std::string(why.message())}});
  MarkedPartition all;
  all.segments.set();
  return all;
}

void RocksHintStore::SayBroken(const HintKey& key, const absl::Status& why) {
  set_aside_.fetch_add(1, std::memory_order_relaxed);
  tracer_.Event(Severity::kAlarm, "HintBroken",
                {{"target", uint64_t{key.target.value()}},
                 {"partition", uint64_t{key.record.partition.value()}},
                 {"key_hash", Hash64(key.record.key)},
                 {"why", std::string(why.message())}});
}

void RocksHintStore::Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) {
  auto work = std::make_unique<ReadWork>();
  work->keys = std::move(keys);
  work->read = std::move(done);
  work->loop = &loop;
  read_worker_->Submit(std::move(work));
}

void RocksHintStore::ReadPage(PageQuery query, Executor& loop, PageDone done) {
  auto work = std::make_unique<ReadWork>();
  work->query = std::move(query);
  work->page = std::move(done);
  work->loop = &loop;
  read_worker_->Submit(std::move(work));
}

DiskClass RocksHintStore::disk_class() const {
  if (base_.disk->ClaimDue()) read_worker_->Submit(std::make_unique<ReadWork>());
  return base_.disk->Class();
}

void RocksHintStore::RunReads(std::vector<std::unique_ptr<WorkItem>> work) {
  for (std::unique_ptr<WorkItem>& item : work) {
    auto& job = static_cast<ReadWork&>(*item);
    if (job.read) {
      job.loop->Post([done = std::move(job.read), results = ReadNow(job.keys)]() mutable { done(std::move(results)); });
    } else if (job.page) {
      absl::StatusOr<Page> page = PageNow(job.query);
      job.loop->Post([done = std::move(job.page), page = std::move(page)]() mutable { done(std::move(page)); });
    } else {
      base_.disk->Look();
    }
  }
}

std::vector<HintStore::ReadResult> RocksHintStore::ReadNow(const std::vector<HintKey>& keys) {
  std::vector<ReadResult> results;
  results.reserve(keys.size());
  for (const HintKey& key : keys) {
    const std::string key_bytes = EncodeHintKey(key);
    rocksdb::PinnableSlice value;
    rocksdb::Status status = base_.db->Get(rocksdb::ReadOptions(), base_.db->DefaultColumnFamily(), key_bytes, &value);
    if (status.IsNotFound()) {
      results.emplace_back(std::nullopt);
    } else if (!status.ok()) {
      results.emplace_back(FromRocks(status, "can't read a hint"));
    } else {
      absl::StatusOr<StoredHint> hint = DecodeStoredHint(key_bytes, value.ToStringView());
      results.push_back(hint.ok() ? ReadResult(*std::move(hint)) : ReadResult(std::move(hint).status()));
    }
  }
  return results;
}

absl::StatusOr<HintStore::Page> RocksHintStore::PageNow(const PageQuery& query) {
  const std::string end = HintRangeEnd(query.target);
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(base_.db->NewIterator(options));
  Page page;
  page.cursor = query.cursor;
  size_t bytes = 0;
  at->Seek(query.cursor.empty() ? HintRangeBegin(query.target, 0) : query.cursor + '\0');
  while (at->Valid() && bytes < query.bytes_max && page.items.size() < query.items_max) {
    const std::string_view key_bytes = at->key().ToStringView();
    absl::StatusOr<HintKey> key = DecodeHintKey(key_bytes);
    if (key.ok() && key->record.partition.value() % query.shards != query.shard) {
      // Another shard's: on to the next partition of this one.
      const int partition = key->record.partition.value();
      const int next = partition + (query.shard - partition % query.shards + query.shards) % query.shards;
      at->Seek(HintRangeBegin(query.target, static_cast<uint32_t>(next)));
      continue;
    }
    page.cursor = std::string(key_bytes);
    bytes += key_bytes.size() + at->value().size();
    if (key.ok()) {
      absl::StatusOr<StoredHint> hint = DecodeStoredHint(key_bytes, at->value().ToStringView());
      if (hint.ok()) {
        page.items.emplace_back(*std::move(key), *std::move(hint));
      } else {
        page.broken.push_back(*std::move(key));
      }
    }
    at->Next();
  }
  if (!at->status().ok()) return FromRocks(at->status(), "can't read the hints for a member");
  page.done = !at->Valid();
  return page;
}

HintStoreFigures RocksHintStore::figures() const {
  return {.hints = hints_.load(std::memory_order_relaxed),
          .bytes = bytes_.load(std::memory_order_relaxed),
          .commits = commits_.load(std::memory_order_relaxed),
          .set_aside = set_aside_.load(std::memory_order_relaxed)};
}

absl::Status RocksHintStore::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  if (commit_worker_ != nullptr) commit_worker_->Stop();
  if (read_worker_ != nullptr) read_worker_->Stop();
  return CloseRocksBase(base_);
}

}  // namespace henge
