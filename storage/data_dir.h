// The directory of one node: locked against a second process, of a known format.
//
//   <data_dir>/LOCK     held while the node runs
//   <data_dir>/FORMAT   one line, "henge-store 1"
//   <data_dir>/data     the RocksDB of records and metadata
//   <data_dir>/synced   how far its log was synced (synced_mark.h)
//
// Owned by the engine; the lock lasts as long as this object.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class Env;
class FileLock;
class FileSystem;
}  // namespace rocksdb

namespace henge {

inline constexpr int kStoreFormatVersion = 1;

class DataDir {
 public:
  // Makes what is missing, durably, and takes the lock. Errors as OpenStoreEngine's.
  static absl::StatusOr<std::unique_ptr<DataDir>> Open(rocksdb::Env& env, std::string path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  const std::string& path() const { return path_; }
  std::string DatabasePath() const { return path_ + "/data"; }
  std::string SyncedPath() const { return path_ + "/synced"; }
  // Whether a database was ever completed in it.
  bool HasDatabase() const;

 private:
  DataDir(std::shared_ptr<rocksdb::FileSystem> fs, std::string path);

  absl::Status MakeDirectories(const std::string& path);
  absl::Status Lock();
  absl::Status CheckFormat();
  absl::Status WriteFormat();
  absl::Status SyncDirectory(const std::string& path);

  std::shared_ptr<rocksdb::FileSystem> fs_;
  std::string path_;
  rocksdb::FileLock* lock_ = nullptr;
};

}  // namespace henge
