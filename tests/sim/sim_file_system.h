// RocksDB's file system over a simulated disk: deterministic, in memory, with crashes and faults.
//
// One per simulated node; one thread. Every operation is counted, globally and per file, and shown to a fault plan
// first, so that "the third sync of the log" or "operation 217" can be made to fail. Life of a crash: Freeze(), destroy
// the node above (its writes fail), Crash(seed), open a new node.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "tests/sim/sim_disk.h"

namespace henge::sim {

enum class SimIoKind : uint8_t {
  kOpen,    // of an existing file
  kCreate,  // of a file; also empties an existing one
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kSyncDirectory,
  kMakeDirectory,
  kRemove,  // of a file or directory
  kRename,
  kLock,
};

struct SimIo {
  SimIoKind kind;
  std::string_view path;
  uint64_t bytes = 0;
  uint64_t index = 0;          // among all operations of this file system, from 0
  uint64_t index_in_file = 0;  // among those of this path
};

enum class SimFault : uint8_t {
  kNone,
  kError,    // EIO; a write or a sync has no effect
  kNoSpace,  // ENOSPC
  kDenied,   // EACCES
  kBitFlip,  // reads: in what is returned; writes: in what is stored
  kLie,      // syncs: reports success, and makes nothing durable
  kCrash,    // the machine stops before this operation: it and all later ones fail, until Crash()
};

class SimFileSystem final : public rocksdb::FileSystem {
 public:
  using FaultPlan = std::function<SimFault(const SimIo&)>;

  explicit SimFileSystem(uint64_t seed);
  ~SimFileSystem() override;

  // Asked before every operation. Must itself depend on nothing but what it is shown. Null: no faults.
  void SetFaultPlan(FaultPlan plan) { plan_ = std::move(plan); }
  // What GetFreeSpace() tells, and from which on writes fail with ENOSPC.
  void SetCapacity(uint64_t bytes) { capacity_bytes_ = bytes; }
  // As that, beyond what is used at this instant.
  void LeaveFree(uint64_t bytes) { capacity_bytes_ = disk_.used_bytes() + bytes; }

  // From now on every operation fails, as in a machine that has stopped.
  void Freeze() { frozen_ = true; }
  bool frozen() const { return frozen_; }
  // Power comes back: what was not synced is partly lost, locks and open handles are gone, operations work again.
  void Crash(uint64_t seed);
  // kill -9 of the process: locks and open handles are gone, the page cache stays.
  void Kill();
  // A new, empty disk.
  void Wipe();
  // A file system of its own with what a power loss at this instant would surely leave.
  std::shared_ptr<SimFileSystem> DurableCopy() const;

  // Damage on the platter, and a look at it.
  bool FlipBit(const std::string& path, uint64_t offset, int bit);
  bool TruncateFile(const std::string& path, uint64_t size);
  const std::string* Bytes(const std::string& path) const;
  std::vector<std::string> Children(const std::string& path) const { return disk_.Children(path); }

  uint64_t operations() const { return operations_; }
  // Of all operations so far that change something: equal runs have equal digests.
  uint64_t digest() const { return digest_; }

  // RocksDB looks for this name.
  static const char* kClassName() { return "HengeSimFileSystem"; }  // NOLINT(readability-identifier-naming)
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions&,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetChildren(const std::string& path, const rocksdb::IOOptions&, std::vector<std::string>* result,
                                rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions&,
                                       rocksdb::IODebugContext*) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions&, uint64_t* size,
                                rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& path, const rocksdb::IOOptions&, uint64_t* time,
                                            rocksdb::IODebugContext*) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions&,
                               rocksdb::IODebugContext*) override;
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions&, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext*) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetTestDirectory(const rocksdb::IOOptions&, std::string* path, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus NewLogger(const std::string& path, const rocksdb::IOOptions&,
                              std::shared_ptr<rocksdb::Logger>* result, rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& path, const rocksdb::IOOptions&, std::string* absolute,
                                    rocksdb::IODebugContext*) override;
  rocksdb::IOStatus IsDirectory(const std::string& path, const rocksdb::IOOptions&, bool* is_directory,
                                rocksdb::IODebugContext*) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions&, uint64_t* free_bytes,
                                 rocksdb::IODebugContext*) override;

 private:
  friend class SimHandle;

  // Counts and hashes an operation, then asks the plan. `generation` is that of the handle it comes through.
  rocksdb::IOStatus Begin(SimIoKind kind, const std::string& path, uint64_t bytes, uint64_t generation,
                          SimFault* fault);
  rocksdb::IOStatus Begin(SimIoKind kind, const std::string& path);
  rocksdb::IOStatus OpenExisting(const std::string& raw_path, std::shared_ptr<SimFile>* file, std::string* path);
  // Takes `bytes` from the capacity.
  rocksdb::IOStatus Reserve(uint64_t bytes, const std::string& path);
  void DropHandles();

  const uint64_t seed_;
  SimDisk disk_;
  FaultPlan plan_;
  uint64_t capacity_bytes_ = uint64_t{1} << 40;
  uint64_t written_since_count_ = 0;  // an upper bound of what was added since used_bytes_ was counted
  uint64_t used_bytes_ = 0;
  bool frozen_ = false;
  uint64_t generation_ = 0;
  std::set<std::string> locked_;
  uint64_t operations_ = 0;
  std::map<std::string, uint64_t> operations_of_;
  uint64_t digest_ = 0;
};

}  // namespace henge::sim
