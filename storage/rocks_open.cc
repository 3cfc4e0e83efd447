// Opening a store: every check before RocksDB may change anything.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_options.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

absl::Status LostTail(const DataDir& dir, uint64_t found, uint64_t synced) {
  return absl::DataLossError(absl::StrCat("the store in ", dir.path(),
                                          " has lost the end of its log: it ends at write ", found, ", but write ",
                                          synced, " had been synced: ", kDamageAdvice));
}

absl::Status Damaged(const DataDir& dir, const rocksdb::Status& status, const std::string& findings) {
  absl::Status mapped = FromRocks(status, absl::StrCat("can't open the store in ", dir.path()));
  if (mapped.code() == absl::StatusCode::kDataLoss) {
    const char* separator = findings.empty() ? "" : "; ";
    return absl::DataLossError(absl::StrCat(mapped.message(), separator, findings, ": ", kDamageAdvice));
  }
  if (mapped.code() == absl::StatusCode::kResourceExhausted) {
    return absl::ResourceExhaustedError(absl::StrCat(mapped.message(), "; free some space, then start the node again"));
  }
  return mapped;
}

bool HasLog(rocksdb::FileSystem& fs, const std::string& path) {
  std::vector<std::string> names;
  if (!fs.GetChildren(path, rocksdb::IOOptions(), &names, nullptr).ok()) return false;
  for (const std::string& name : names) {
    uint64_t size = 0;
    if (!absl::EndsWith(name, ".log")) continue;
    bool sized = fs.GetFileSize(absl::StrCat(path, "/", name), rocksdb::IOOptions(), &size, nullptr).ok();
    if (!sized || size > 0) return true;
  }
  return false;
}

// Replays the log into memory only: a damaged or shortened one is refused with every byte still in its place.
absl::Status InspectLog(const StoreOptions& options, rocksdb::Env* env, const DataDir& dir, uint64_t synced) {
  if (!dir.HasDatabase()) return synced == 0 ? absl::OkStatus() : LostTail(dir, 0, synced);
  if (!HasLog(*env->GetFileSystem(), dir.DatabasePath())) return absl::OkStatus();
  std::string findings;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(MakeInspectOptions(options, env, &findings), dir.DatabasePath(), &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return Damaged(dir, status, findings);
  uint64_t found = db->GetLatestSequenceNumber();
  return found < synced ? LostTail(dir, found, synced) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<RocksBase> OpenRocksBase(const StoreOptions& options, RocksFamilies families, Tracer& tracer,
                                        std::function<void(absl::Status)> on_fatal) {
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  RocksBase base;
  if (options.deterministic) base.flush_bytes = options.write_buffer_bytes;
  base.flush_every_commits = options.flush_every_commits;
  base.sticky = std::make_shared<StickyStatus>(tracer, std::move(on_fatal));
  HENGE_ASSIGN_OR_RETURN(base.dir, DataDir::Open(*env, options.data_dir));
  const DataDir& dir = *base.dir;
  uint64_t synced = SyncedMark::Read(*env->GetFileSystem(), dir.SyncedPath());
  HENGE_RETURN_IF_ERROR(InspectLog(options, env, dir, synced));

  base.cache = MakeBlockCache(options);
  rocksdb::DB* opened = nullptr;
  const rocksdb::Options rocks = MakeRocksOptions(options, env, base.cache, base.sticky);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {{rocksdb::kDefaultColumnFamilyName, rocks}};
  if (families == RocksFamilies::kWithLeaves) descriptors.emplace_back(kLeavesFamily, MakeLeavesOptions(rocks));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status = rocksdb::DB::Open(rocks, dir.DatabasePath(), descriptors, &handles, &opened);
  base.db.reset(opened);
  for (rocksdb::ColumnFamilyHandle* handle : handles) base.families.emplace_back(handle);
  if (!status.ok()) return Damaged(dir, status, "");
  uint64_t found = base.db->GetLatestSequenceNumber();
  if (found < synced) return LostTail(dir, found, synced);

  HENGE_ASSIGN_OR_RETURN(base.synced, SyncedMark::Open(env->GetFileSystem(), dir.SyncedPath(), synced));
  base.disk = std::make_unique<DiskWatch>(*env, dir.path(), options.free_bytes_for_writes,
                                          options.free_bytes_for_control, tracer);
  return base;
}

absl::StatusOr<std::unique_ptr<StoreEngine>> OpenStoreEngine(StoreOptions options, WorkerFactory& workers,
                                                             Tracer& tracer,
                                                             std::function<void(absl::Status)> on_fatal) {
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  HENGE_ASSIGN_OR_RETURN(RocksBase base,
                         OpenRocksBase(options, RocksFamilies::kWithLeaves, tracer, std::move(on_fatal)));
  std::shared_ptr<StickyStatus> sticky = base.sticky;
  auto engine = std::make_unique<RocksEngine>(std::move(base), tracer);
  HENGE_RETURN_IF_ERROR(engine->Start(*env, workers));
  sticky->Arm();
  HENGE_RETURN_IF_ERROR(sticky->Get());
  return engine;
}

}  // namespace henge
