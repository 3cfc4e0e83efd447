// Reads of the engine: by key, by page, of metadata.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/runtime/check.h"
#include "storage/key_format.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_status.h"
#include "storage/stored_record.h"
#include "storage/text.h"

namespace henge {
namespace {

// A tagged union by hand: the read worker has four kinds of work.
enum class ReadKind { kRecords, kPage, kLeaf, kDiskLook };

struct ReadWork : WorkItem {
  explicit ReadWork(ReadKind kind_in) : kind(kind_in) {}
  const ReadKind kind;
};

}  // namespace

struct RocksEngine::ReadJob : ReadWork {
  ReadJob() : ReadWork(ReadKind::kRecords) {}
  std::vector<RecordKey> keys;
  Executor* loop = nullptr;
  ReadDone done;
};

struct RocksEngine::ScanJob : ReadWork {
  ScanJob() : ReadWork(ReadKind::kPage) {}
  PartitionId partition;
  std::string cursor;
  size_t bytes_max = 0;
  Executor* loop = nullptr;
  ScanDone done;
};

struct RocksEngine::LeafJob : ReadWork {
  LeafJob() : ReadWork(ReadKind::kLeaf) {}
  LeafId leaf;
  std::optional<RecordKey> after;
  size_t bytes_max = 0;
  Executor* loop = nullptr;
  LeafDone done;
};

struct RocksEngine::LookJob : ReadWork {
  LookJob() : ReadWork(ReadKind::kDiskLook) {}
};

std::vector<StoreEngine::ReadResult> RocksEngine::ReadCached(std::span<const RecordKey* const> keys) {
  uses_.fetch_add(1, std::memory_order_relaxed);
  return ReadRecords(keys, Blocking::kNo);
}

std::vector<StoreEngine::ReadResult> RocksEngine::ReadRecords(std::span<const RecordKey* const> keys,
                                                              Blocking blocking) {
  // All keys in one buffer: one allocation for the batch.
  std::string key_bytes;
  std::vector<size_t> ends;
  ends.reserve(keys.size());
  size_t total = 0;
  for (const RecordKey* key : keys) total += kStorageKeyHeaderBytes + key->key.size();
  key_bytes.reserve(total);
  for (const RecordKey* key : keys) {
    AppendStorageKey(*key, &key_bytes);
    ends.push_back(key_bytes.size());
  }
  std::vector<rocksdb::Slice> slices;
  slices.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    size_t begin = i == 0 ? 0 : ends[i - 1];
    slices.emplace_back(key_bytes.data() + begin, ends[i] - begin);
  }

  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  rocksdb::ReadOptions options;
  rocksdb::ColumnFamilyHandle* records = parts_.db->DefaultColumnFamily();
  if (blocking == Blocking::kYes) {
    parts_.db->MultiGet(options, records, keys.size(), slices.data(), values.data(), statuses.data());
  } else {
    // One by one: RocksDB 7.8's MultiGet reads data blocks from the disk in spite of the tier.
    options.read_tier = rocksdb::kBlockCacheTier;
    for (size_t i = 0; i < keys.size(); ++i) statuses[i] = parts_.db->Get(options, records, slices[i], &values[i]);
  }

  std::vector<ReadResult> results;
  results.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      results.emplace_back(std::nullopt);
      continue;
    }
    ReadResult result = std::nullopt;
    if (statuses[i].ok()) {
      absl::StatusOr<StoredRecord> record = DecodeStoredRecord(slices[i].ToStringView(), values[i].ToStringView());
      result = record.ok() ? ReadResult(*std::move(record)) : ReadResult(std::move(record).status());
    } else {
      result = FromRocks(statuses[i], statuses[i].IsIncomplete() ? "needs the disk" : "can't read a record");
    }
    if (absl::IsDataLoss(result.status())) CountBroken(*keys[i], result.status());
    results.push_back(std::move(result));
  }
  return results;
}

void RocksEngine::CountBroken(const RecordKey& key, const absl::Status& why) {
  quarantined_.fetch_add(1, std::memory_order_relaxed);
  tracer_.Event(Severity::kAlarm, "RecordBroken",
                {{"partition", uint64_t{key.partition.value()}},
                 {"key_hash", Hash64(key.key)},
                 {"why", std::string(why.message())}});
}

void RocksEngine::ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) {
  uses_.fetch_add(1, std::memory_order_relaxed);
  auto job = std::make_unique<ReadJob>();
  job->keys = std::move(keys);
  job->loop = &loop;
  job->done = std::move(done);
  read_worker_->Submit(std::move(job));
}

void RocksEngine::Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) {
  uses_.fetch_add(1, std::memory_order_relaxed);
  auto job = std::make_unique<ScanJob>();
  job->partition = partition;
  job->cursor = std::move(cursor);
  job->bytes_max = bytes_max;
  job->loop = &loop;
  job->done = std::move(done);
  read_worker_->Submit(std::move(job));
}

void RocksEngine::ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t bytes_max, Executor& loop,
                           LeafDone done) {
  auto job = std::make_unique<LeafJob>();
  job->leaf = leaf;
  job->after = std::move(after);
  job->bytes_max = bytes_max;
  job->loop = &loop;
  job->done = std::move(done);
  read_worker_->Submit(std::move(job));
}

DiskClass RocksEngine::disk_class() const {
  // Without commits nobody else would look, and a refusal would outlast its cause.
  if (parts_.disk->ClaimDue()) read_worker_->Submit(std::make_unique<LookJob>());
  return parts_.disk->Class();
}

void RocksEngine::RunReads(std::vector<std::unique_ptr<WorkItem>> work) {
  for (std::unique_ptr<WorkItem>& item : work) {
    switch (static_cast<ReadWork&>(*item).kind) {
      case ReadKind::kRecords: {
        auto& job = static_cast<ReadJob&>(*item);
        std::vector<const RecordKey*> keys;
        keys.reserve(job.keys.size());
        for (const RecordKey& key : job.keys) keys.push_back(&key);
        job.loop->Post([done = std::move(job.done), results = ReadRecords(keys, Blocking::kYes)]() mutable {
          done(std::move(results));
        });
        break;
      }
      case ReadKind::kPage: {
        auto& job = static_cast<ScanJob&>(*item);
        absl::StatusOr<Page> page = ReadPage(job);
        job.loop->Post([done = std::move(job.done), page = std::move(page)]() mutable { done(std::move(page)); });
        break;
      }
      case ReadKind::kLeaf: {
        auto& job = static_cast<LeafJob&>(*item);
        absl::StatusOr<LeafPage> page = ReadLeafPage(job);
        job.loop->Post([done = std::move(job.done), page = std::move(page)]() mutable { done(std::move(page)); });
        break;
      }
      case ReadKind::kDiskLook:
        parts_.disk->Look();
        break;
    }
  }
}

absl::StatusOr<StoreEngine::Page> RocksEngine::ReadPage(const ScanJob& job) {
  std::string begin = PartitionBegin(job.partition);
  std::string end = PartitionEnd(job.partition);
  if (!job.cursor.empty() && (job.cursor < begin || job.cursor >= end)) {
    return absl::InvalidArgumentError("the cursor is not of this partition: start the scan of it without one");
  }
  rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  Page page;
  page.cursor = job.cursor;
  size_t bytes = 0;
  at->Seek(job.cursor.empty() ? begin : job.cursor + '\0');
  for (; at->Valid() && bytes < job.bytes_max; at->Next()) {
    std::string_view storage_key = at->key().ToStringView();
    bytes += storage_key.size() + at->value().size();
    page.cursor = std::string(storage_key);
    absl::StatusOr<RecordKey> key = ParseStorageKey(storage_key);
    absl::StatusOr<StoredRecord> record = DecodeStoredRecord(storage_key, at->value().ToStringView());
    if (key.ok() && record.ok()) {
      page.items.emplace_back(*std::move(key), *std::move(record));
    } else {
      RecordKey broken = key.ok() ? *key : RecordKey{job.partition, BucketId(), std::string(storage_key)};
      CountBroken(broken, key.ok() ? record.status() : key.status());
    }
  }
  if (!at->status().ok()) return FromRocks(at->status(), "can't scan a partition");
  page.done = !at->Valid();
  return page;
}

absl::StatusOr<StoreEngine::LeafPage> RocksEngine::ReadLeafPage(const LeafJob& job) {
  if (tree_key_ == ClusterId{}) return absl::FailedPreconditionError("this store keeps no trees yet");
  const std::string end = SegmentEnd(job.leaf);
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  LeafPage page;
  size_t bytes = 0;
  at->Seek(job.after.has_value() ? StorageKey(*job.after) + '\0' : SegmentBegin(job.leaf));
  for (; at->Valid() && bytes < job.bytes_max; at->Next()) {
    bytes += at->key().size() + sizeof(uint64_t);
    std::optional<LeafRecord> record = HashStored(at->key().ToStringView(), at->value().ToStringView());
    if (record.has_value()) page.records.push_back(*std::move(record));
  }
  if (!at->status().ok()) return FromRocks(at->status(), "can't scan a leaf");
  page.done = !at->Valid();
  return page;
}

std::optional<LeafRecord> RocksEngine::HashStored(std::string_view storage_key, std::string_view value) {
  absl::StatusOr<RecordKey> key = ParseStorageKey(storage_key);
  if (!key.ok()) {
    CountBroken(RecordKey{PartitionId(0), BucketId(0), std::string(storage_key)}, key.status());
    return std::nullopt;
  }
  absl::StatusOr<StoredRecord> record = DecodeStoredRecord(storage_key, value);
  if (!record.ok()) {
    CountBroken(*key, record.status());
    return std::nullopt;
  }
  const uint64_t hash = RecordHash(tree_key_, key->bucket, key->key, record->object);
  return LeafRecord{key->bucket, std::move(key->key), hash};
}

absl::StatusOr<std::optional<std::string>> RocksEngine::ReadMeta(std::string_view name) {
  std::string key = MetaKey(name);
  std::string value;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  rocksdb::Status status = parts_.db->Get(options, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) {
    const absl::Status why =
        FromRocks(status, absl::StrCat("can't read the store's metadata \"", AbslText(name), "\""));
    if (!absl::IsDataLoss(why)) return why;
    return absl::DataLossError(absl::StrCat(why.message(), ": ", kRebuildAdvice));
  }
  absl::StatusOr<StoredRecord> record = DecodeStoredRecord(key, value);
  if (!record.ok()) {
    return absl::DataLossError(
        absl::StrCat("the store's metadata \"", AbslText(name), "\" is damaged: ", kRebuildAdvice));
  }
  return std::move(record->object);
}

}  // namespace henge
