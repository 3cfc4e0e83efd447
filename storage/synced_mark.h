// How far the log was synced, kept beside it: a lower bound by which an open tells a lost tail from one never synced.
//
// Written after each sync, never synced itself: a mark that survives proves that the log was synced first. Two slots in
// turn, each with a checksum, so that a torn write leaves the other. Best effort: a mark that can't be written or read
// only proves less. Owned by the engine; one writer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class FileSystem;
class FSRandomRWFile;
}  // namespace rocksdb

namespace henge {

class SyncedMark {
 public:
  // The greatest sequence number known to have been synced; 0 if nothing is known.
  static uint64_t Read(rocksdb::FileSystem& fs, const std::string& path);

  // Opens for writing; makes the file durable if it is new. `last` is what Read() gave.
  static absl::StatusOr<std::unique_ptr<SyncedMark>> Open(std::shared_ptr<rocksdb::FileSystem> fs, std::string path,
                                                          uint64_t last);
  ~SyncedMark();

  void Note(uint64_t sequence);

 private:
  SyncedMark(std::shared_ptr<rocksdb::FileSystem> fs, std::unique_ptr<rocksdb::FSRandomRWFile> file, uint64_t last);

  std::shared_ptr<rocksdb::FileSystem> fs_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  uint64_t last_;
  int slot_ = 0;
  bool broken_ = false;
};

}  // namespace henge
