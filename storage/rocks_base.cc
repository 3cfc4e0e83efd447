#include "storage/rocks_base.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "absl/strings/str_cat.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

std::vector<rocksdb::ColumnFamilyHandle*> AllFamilies(const RocksBase& base) {
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  families.reserve(base.families.size());
  for (const auto& family : base.families) families.push_back(family.get());
  return families;
}

}  // namespace

RocksBase::RocksBase() = default;
RocksBase::~RocksBase() = default;
RocksBase::RocksBase(RocksBase&&) noexcept = default;
RocksBase& RocksBase::operator=(RocksBase&&) noexcept = default;

absl::Status WriteSynced(RocksBase& base, rocksdb::WriteBatch* batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  rocksdb::Status status = base.db->Write(options, batch);
  if (status.ok()) return absl::OkStatus();
  base.sticky->Fail(FatalStatus(status, absl::StrCat("the store in ", base.dir->path(), " can't write its log")));
  return base.sticky->Get();
}

absl::Status AfterSyncedWrite(RocksBase& base, size_t bytes) {
  base.synced->Note(base.db->GetLatestSequenceNumber());
  if (base.flush_bytes == 0) return absl::OkStatus();
  base.unflushed_bytes += bytes;
  ++base.unflushed_commits;
  const bool many = base.flush_every_commits != 0 && base.unflushed_commits >= base.flush_every_commits;
  if (!many && base.unflushed_bytes < base.flush_bytes) return absl::OkStatus();
  base.unflushed_bytes = 0;
  base.unflushed_commits = 0;
  return BeginFlush(base);
}

absl::Status BeginFlush(RocksBase& base) {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  rocksdb::Status status = base.db->Flush(options, AllFamilies(base));
  if (!status.ok()) base.sticky->Fail(FatalStatus(status, "the store can't begin a flush"));
  return base.sticky->Get();
}

absl::Status CloseRocksBase(RocksBase& base) {
  base.sticky->Disarm();
  rocksdb::Status status;
  // A log that is flushed now needn't be replayed by the next open.
  if (base.flush_bytes == 0 && base.sticky->ok()) {
    status = base.db->Flush(rocksdb::FlushOptions(), AllFamilies(base));
  }
  base.families.clear();
  rocksdb::Status closed = base.db->Close();
  if (status.ok()) status = closed;
  base.db.reset();
  base.dir.reset();
  return FromRocks(status, "can't close the store");
}

}  // namespace henge
