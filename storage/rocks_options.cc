#include "storage/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr int kBloomBitsPerKey = 10;
constexpr size_t kBlockBytes = 8192;
constexpr int kBackgroundJobs = 2;
constexpr size_t kLevelsAsTheyAre = 2;
constexpr size_t kDenseLevelsFrom = 4;
// A memtable that fits the processor's caches takes an insert faster than one that doesn't; what one compaction merges
// stays the same by more files.
constexpr int kFilesPerCompaction = 8;
constexpr int kFilesPerCompactionOfShortLives = 4;
constexpr int kFilesToSlowDown = 40;
constexpr int kFilesToStop = 64;
constexpr size_t kSmallArenaBytes = size_t{64} << 10;
constexpr int kManyWriteBuffers = 1 << 10;
constexpr int kNeverFullFactor = 16;
constexpr int kNeverTriggers = 1 << 30;
constexpr int kFindingsMax = 2;

// P36: any background error is final, and none is recovered from.
class FatalListener : public rocksdb::EventListener {
 public:
  explicit FatalListener(std::shared_ptr<StickyStatus> sticky) : sticky_(std::move(sticky)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    const char* doing = DoingWhat(reason);
    if (doing != nullptr) sticky_->Fail(FatalStatus(*status, absl::StrCat("the store can't ", doing)));
  }

  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  // Null for what the write itself returns to the commit worker, which knows more.
  static const char* DoingWhat(rocksdb::BackgroundErrorReason reason) {
    switch (reason) {
      case rocksdb::BackgroundErrorReason::kWriteCallback:
      case rocksdb::BackgroundErrorReason::kMemTable:
        return nullptr;
      case rocksdb::BackgroundErrorReason::kCompaction:
        return "compact its tables";
      case rocksdb::BackgroundErrorReason::kManifestWrite:
      case rocksdb::BackgroundErrorReason::kManifestWriteNoWAL:
        return "write its manifest";
      default:
        return "flush to a table";
    }
  }

  const std::shared_ptr<StickyStatus> sticky_;
};

// RocksDB's own log: its errors reach us as statuses, so the text goes nowhere, and no file of it is made.
class QuietLogger : public rocksdb::Logger {
 public:
  QuietLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Keeps what is said about a damaged log file, which no status says: the first of it, as one flipped bit may make
// hundreds of lines.
class FindingsLogger : public rocksdb::Logger {
 public:
  explicit FindingsLogger(std::string* findings) : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), findings_(findings) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[512];
    std::vsnprintf(line, sizeof(line), format, arguments);
    if (!absl::StrContains(line, "dropping") || kept_++ >= kFindingsMax) return;
    absl::StrAppend(findings_, findings_->empty() ? "" : "; ", line);
  }

 private:
  std::string* const findings_;
  int kept_ = 0;
};

rocksdb::CompressionType BestOf(std::initializer_list<rocksdb::CompressionType> wanted) {
  std::vector<rocksdb::CompressionType> known = rocksdb::GetSupportedCompressions();
  for (rocksdb::CompressionType type : wanted) {
    if (std::find(known.begin(), known.end(), type) != known.end()) return type;
  }
  return rocksdb::kNoCompression;
}

// What decides whether acknowledged bytes are there after a crash.
void SetDurability(rocksdb::Options* options) {
  // A tail that was never synced may be torn; damage before it refuses to open. Excludes recycling of log files.
  options->wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options->recycle_log_file_num = 0;
  options->track_and_verify_wals_in_manifest = true;
  options->avoid_flush_during_recovery = false;  // what was recovered unsynced is synced before it is served
  options->paranoid_checks = true;
  options->max_bgerror_resume_count = 0;
  options->wal_bytes_per_sync = 0;
}

// One writer, the commit worker: what helps several of them only costs it.
void SetWritePath(const StoreOptions& wanted, rocksdb::Options* options) {
  options->allow_concurrent_memtable_write = false;
  options->enable_write_thread_adaptive_yield = false;
  options->unordered_write = false;
  options->enable_pipelined_write = false;
  options->write_buffer_size = wanted.write_buffer_bytes;
  options->max_write_buffer_number = wanted.write_buffers_max;
  options->max_write_buffer_size_to_maintain = 0;
  options->level0_file_num_compaction_trigger = kFilesPerCompaction;
  options->level0_slowdown_writes_trigger = kFilesToSlowDown;
  options->level0_stop_writes_trigger = kFilesToStop;
  // One hint for all keys (a prefix of no bytes): batches are sorted, so each insert starts where the last one ended.
  options->memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(0));
  options->memtable_whole_key_filtering = true;
  options->memtable_prefix_bloom_size_ratio = 0.02;
  options->bytes_per_sync = uint64_t{1} << 20;
}

// The first two levels are small and soon rewritten; of the others the deeper, the more bytes and the fewer rewrites.
void SetCompression(rocksdb::Options* options) {
  const rocksdb::CompressionType fast = BestOf({rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});
  const rocksdb::CompressionType dense =
      BestOf({rocksdb::kZSTD, rocksdb::kLZ4Compression, rocksdb::kSnappyCompression});
  options->compression = fast;
  options->compression_per_level.assign(static_cast<size_t>(options->num_levels), dense);
  std::fill_n(options->compression_per_level.begin(), kDenseLevelsFrom, fast);
  std::fill_n(options->compression_per_level.begin(), kLevelsAsTheyAre, rocksdb::kNoCompression);
}

void SetTables(const StoreOptions& wanted, std::shared_ptr<rocksdb::Cache> cache, rocksdb::Options* options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.cache_index_and_filter_blocks = false;  // a reader that may not block always finds them
  table.format_version = 5;
  options->table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  SetCompression(options);
  options->enable_blob_files = true;
  options->min_blob_size = wanted.blob_bytes_min;
  options->blob_compression_type = options->compression;
  options->enable_blob_garbage_collection = true;
  options->blob_cache = std::move(cache);
}

// Nothing runs unbidden, and no call waits for a background job: the caller pumps those itself, on the same thread.
void SetDeterministic(rocksdb::Options* options) {
  options->max_background_jobs = 1;
  // When a memtable counts as full hangs on the random heights of its list: the engine counts bytes itself, and
  // flushes.
  options->write_buffer_size *= kNeverFullFactor;
  options->max_write_buffer_number = kManyWriteBuffers;
  // Both follow the size of the write buffer otherwise, and every flush would clear megabytes.
  options->arena_block_size = kSmallArenaBytes;
  options->memtable_prefix_bloom_size_ratio = 0;
  options->level0_file_num_compaction_trigger = kFilesPerCompactionOfShortLives;
  options->level0_slowdown_writes_trigger = kNeverTriggers;
  options->level0_stop_writes_trigger = kNeverTriggers;
  options->soft_pending_compaction_bytes_limit = 0;
  options->hard_pending_compaction_bytes_limit = 0;
  options->bytes_per_sync = 0;
}

rocksdb::Options CommonOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.db_host_id = "";
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_file_opening_threads = 1;
  options.max_subcompactions = 1;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

}  // namespace

std::shared_ptr<rocksdb::Cache> MakeBlockCache(const StoreOptions& options) {
  rocksdb::LRUCacheOptions cache;
  cache.capacity = options.block_cache_bytes;
  // Keys of cached blocks differ from run to run; with one shard that can't choose what is evicted.
  cache.num_shard_bits = options.deterministic ? 0 : -1;
  return rocksdb::NewLRUCache(cache);
}

rocksdb::Options MakeRocksOptions(const StoreOptions& wanted, rocksdb::Env* env, std::shared_ptr<rocksdb::Cache> cache,
                                  std::shared_ptr<StickyStatus> sticky) {
  rocksdb::Options options = CommonOptions(env);
  options.create_if_missing = true;
  options.create_missing_column_families = true;  // a store made before there were leaves
  // A log is dropped when all that it holds is in tables: flushed together, no family keeps it for the other.
  options.atomic_flush = true;
  options.info_log = std::make_shared<QuietLogger>();
  options.max_background_jobs = kBackgroundJobs;
  SetDurability(&options);
  SetWritePath(wanted, &options);
  SetTables(wanted, std::move(cache), &options);
  if (wanted.deterministic) SetDeterministic(&options);
  options.listeners.push_back(std::make_shared<FatalListener>(std::move(sticky)));
  return options;
}

rocksdb::ColumnFamilyOptions MakeLeavesOptions(const rocksdb::Options& store) {
  rocksdb::ColumnFamilyOptions leaves(store);
  leaves.enable_blob_files = false;
  leaves.memtable_whole_key_filtering = false;
  leaves.memtable_prefix_bloom_size_ratio = 0;
  // Leaves are read once, at the open: sorting them can wait for the flush.
  leaves.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  leaves.compression = rocksdb::kNoCompression;  // hashes don't shrink
  leaves.bottommost_compression = rocksdb::kNoCompression;
  return leaves;
}

rocksdb::Options MakeInspectOptions(const StoreOptions& wanted, rocksdb::Env* env, std::string* findings) {
  rocksdb::Options options = CommonOptions(env);
  options.info_log = std::make_shared<FindingsLogger>(findings);
  options.write_buffer_size = wanted.write_buffer_bytes;
  options.enable_blob_files = true;
  options.max_open_files = 16;  // only the log is of interest: don't open every table
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  return options;
}

}  // namespace henge
