// Figures for people. Nothing decides by them: they depend on when the background jobs ran.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include "storage/rocks_engine.h"

namespace henge {
namespace {

uint64_t Property(rocksdb::DB& db, const rocksdb::Slice& name) {
  uint64_t value = 0;
  return db.GetIntProperty(name, &value) ? value : 0;
}

}  // namespace

StoreFigures RocksEngine::figures() const {
  rocksdb::DB& db = *parts_.db;
  StoreFigures figures;
  figures.keys_estimate = Property(db, rocksdb::DB::Properties::kEstimateNumKeys);
  figures.data_bytes = Property(db, rocksdb::DB::Properties::kTotalSstFilesSize) +
                       Property(db, rocksdb::DB::Properties::kTotalBlobFileSize) +
                       Property(db, rocksdb::DB::Properties::kCurSizeAllMemTables);
  figures.memory_bytes = Property(db, rocksdb::DB::Properties::kCurSizeAllMemTables) +
                         Property(db, rocksdb::DB::Properties::kEstimateTableReadersMem) + parts_.cache->GetUsage();
  figures.commits = commits_.load(std::memory_order_relaxed);
  figures.records = records_.load(std::memory_order_relaxed);
  figures.quarantined = quarantined_.load(std::memory_order_relaxed);
  return figures;
}

}  // namespace henge
