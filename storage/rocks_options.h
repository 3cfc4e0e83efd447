// How we set RocksDB up: the one home of its settings. Internal to storage.
#pragma once

#include <memory>
#include <string>

#include "storage/sticky_status.h"
#include "storage/store_engine.h"

namespace rocksdb {
class Cache;
class EventListener;
struct ColumnFamilyOptions;
struct Options;
struct ReadOptions;
}  // namespace rocksdb

namespace henge {

std::shared_ptr<rocksdb::Cache> MakeBlockCache(const StoreOptions& options);

// For the store itself. `env` is never null.
rocksdb::Options MakeRocksOptions(const StoreOptions& options, rocksdb::Env* env, std::shared_ptr<rocksdb::Cache> cache,
                                  std::shared_ptr<StickyStatus> sticky);

// The column family of the Merkle leaves: a few million small values at most, each overwritten now and then.
inline constexpr char kLeavesFamily[] = "leaves";
rocksdb::ColumnFamilyOptions MakeLeavesOptions(const rocksdb::Options& store);

// For a look at the log that changes nothing. Damage that RocksDB reports only to its log, with the file's name, lands
// in `*findings`.
rocksdb::Options MakeInspectOptions(const StoreOptions& options, rocksdb::Env* env, std::string* findings);

}  // namespace henge
