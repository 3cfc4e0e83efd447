#include "tests/sim/sim_file_system.h"

#include <utility>

#include "core/model/hash.h"
#include "tests/sim/sim_file_handles.h"

namespace henge::sim {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string Normal(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  }
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

IOStatus Missing(const std::string& path) { return IOStatus::PathNotFound(path, "No such file or directory"); }

bool Changes(SimIoKind kind) { return kind != SimIoKind::kOpen && kind != SimIoKind::kRead; }

struct SimLock : rocksdb::FileLock {
  SimLock(std::string path_in, uint64_t generation_in) : path(std::move(path_in)), generation(generation_in) {}
  const std::string path;
  const uint64_t generation;
};

}  // namespace

SimFileSystem::SimFileSystem(uint64_t seed) : seed_(seed) {}

SimFileSystem::~SimFileSystem() = default;

void SimFileSystem::DropHandles() {
  ++generation_;
  locked_.clear();
  frozen_ = false;
}

void SimFileSystem::Crash(uint64_t seed) {
  disk_.Crash(SimRandom(seed_).Split("crash", seed));
  used_bytes_ = disk_.used_bytes();
  written_since_count_ = 0;
  DropHandles();
}

void SimFileSystem::Kill() { DropHandles(); }

void SimFileSystem::Wipe() {
  disk_.Wipe();
  used_bytes_ = written_since_count_ = 0;
  DropHandles();
}

std::shared_ptr<SimFileSystem> SimFileSystem::DurableCopy() const {
  auto copy = std::make_shared<SimFileSystem>(seed_);
  copy->disk_ = disk_.DurableCopy();
  return copy;
}

bool SimFileSystem::FlipBit(const std::string& path, uint64_t offset, int bit) {
  const SimDisk::Node* node = disk_.Find(Normal(path));
  if (node == nullptr || node->file == nullptr || offset >= node->file->bytes().size()) return false;
  node->file->FlipBit(offset, bit);
  return true;
}

bool SimFileSystem::TruncateFile(const std::string& path, uint64_t size) {
  const SimDisk::Node* node = disk_.Find(Normal(path));
  if (node == nullptr || node->file == nullptr) return false;
  node->file->Truncate(size);
  node->file->Sync();
  return true;
}

const std::string* SimFileSystem::Bytes(const std::string& path) const {
  const SimDisk::Node* node = disk_.Find(Normal(path));
  return node == nullptr || node->file == nullptr ? nullptr : &node->file->bytes();
}

IOStatus SimFileSystem::Begin(SimIoKind kind, const std::string& path, uint64_t bytes, uint64_t generation,
                              SimFault* fault) {
  *fault = SimFault::kNone;
  if (frozen_ || generation != generation_) return IOStatus::IOError(path, "the simulated machine has stopped");
  SimIo io{kind, path, bytes, operations_++, operations_of_[path]++};
  if (Changes(kind)) {
    digest_ = Hash64(path, digest_ ^ (static_cast<uint64_t>(kind) << 56) ^ bytes * 0x9E3779B97F4A7C15u);
  }
  if (plan_) *fault = plan_(io);
  switch (*fault) {
    case SimFault::kNone:
    case SimFault::kBitFlip:
    case SimFault::kLie:
      return IOStatus::OK();
    case SimFault::kError:
      return IOStatus::IOError(path, "Input/output error");
    case SimFault::kNoSpace:
      return IOStatus::NoSpace(path, "No space left on device");
    case SimFault::kDenied:
      return IOStatus::IOError(path, "Permission denied");
    case SimFault::kCrash:
      frozen_ = true;
      break;
  }
  return IOStatus::IOError(path, "the simulated machine has stopped");
}

IOStatus SimFileSystem::Begin(SimIoKind kind, const std::string& path) {
  SimFault fault;
  return Begin(kind, path, 0, generation_, &fault);
}

IOStatus SimFileSystem::Reserve(uint64_t bytes, const std::string& path) {
  if (used_bytes_ + written_since_count_ + bytes > capacity_bytes_) {
    used_bytes_ = disk_.used_bytes();
    written_since_count_ = 0;
    if (used_bytes_ + bytes > capacity_bytes_) return IOStatus::NoSpace(path, "No space left on device");
  }
  written_since_count_ += bytes;
  return IOStatus::OK();
}

IOStatus SimFileSystem::OpenExisting(const std::string& raw_path, std::shared_ptr<SimFile>* file, std::string* path) {
  *path = Normal(raw_path);
  IOStatus status = Begin(SimIoKind::kOpen, *path);
  if (!status.ok()) return status;
  const SimDisk::Node* node = disk_.Find(*path);
  if (node == nullptr) return Missing(*path);
  if (node->file == nullptr) return IOStatus::IOError(*path, "Is a directory");
  *file = node->file;
  return IOStatus::OK();
}

IOStatus SimFileSystem::NewSequentialFile(const std::string& path, const FileOptions&,
                                          std::unique_ptr<rocksdb::FSSequentialFile>* result, IODebugContext*) {
  SimHandle handle(*this);
  IOStatus status = OpenExisting(path, &handle.file, &handle.path);
  if (status.ok()) *result = std::make_unique<SimSequentialFile>(std::move(handle));
  return status;
}

IOStatus SimFileSystem::NewRandomAccessFile(const std::string& path, const FileOptions&,
                                            std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext*) {
  SimHandle handle(*this);
  IOStatus status = OpenExisting(path, &handle.file, &handle.path);
  if (status.ok()) *result = std::make_unique<SimRandomAccessFile>(std::move(handle));
  return status;
}

IOStatus SimFileSystem::NewWritableFile(const std::string& raw_path, const FileOptions&,
                                        std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext*) {
  SimHandle handle(*this);
  handle.path = Normal(raw_path);
  IOStatus status = Begin(SimIoKind::kCreate, handle.path);
  if (!status.ok()) return status;
  if (!disk_.IsDirectory(ParentPath(handle.path))) return Missing(ParentPath(handle.path));
  const SimDisk::Node* node = disk_.Find(handle.path);
  if (node == nullptr) {
    handle.file = disk_.Create(handle.path);
  } else if (node->file == nullptr) {
    return IOStatus::IOError(handle.path, "Is a directory");
  } else {
    handle.file = node->file;
    handle.file->Truncate(0);
  }
  *result = std::make_unique<SimWritableFile>(std::move(handle));
  return IOStatus::OK();
}

IOStatus SimFileSystem::ReopenWritableFile(const std::string& path, const FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  SimHandle handle(*this);
  if (disk_.Find(Normal(path)) == nullptr) return NewWritableFile(path, options, result, debug);
  IOStatus status = OpenExisting(path, &handle.file, &handle.path);
  if (status.ok()) *result = std::make_unique<SimWritableFile>(std::move(handle));
  return status;
}

IOStatus SimFileSystem::NewRandomRWFile(const std::string& path, const FileOptions&,
                                        std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext*) {
  SimHandle handle(*this);
  IOStatus status = OpenExisting(path, &handle.file, &handle.path);
  if (status.ok()) *result = std::make_unique<SimRandomRwFile>(std::move(handle));
  return status;
}

IOStatus SimFileSystem::NewDirectory(const std::string& raw_path, const IOOptions&,
                                     std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) {
  SimHandle handle(*this);
  handle.path = Normal(raw_path);
  IOStatus status = Begin(SimIoKind::kOpen, handle.path);
  if (!status.ok()) return status;
  if (!disk_.IsDirectory(handle.path)) return Missing(handle.path);
  *result = std::make_unique<SimDirectory>(std::move(handle));
  return IOStatus::OK();
}

IOStatus SimFileSystem::FileExists(const std::string& path, const IOOptions&, IODebugContext*) {
  std::string normal = Normal(path);
  if (frozen_) return IOStatus::IOError(normal, "the simulated machine has stopped");
  return normal == "/" || disk_.Find(normal) != nullptr ? IOStatus::OK() : IOStatus::NotFound(normal);
}

IOStatus SimFileSystem::GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* result,
                                    IODebugContext*) {
  std::string normal = Normal(path);
  IOStatus status = Begin(SimIoKind::kOpen, normal);
  if (!status.ok()) return status;
  if (!disk_.IsDirectory(normal)) return Missing(normal);
  *result = disk_.Children(normal);
  return IOStatus::OK();
}

IOStatus SimFileSystem::DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) {
  std::string normal = Normal(path);
  IOStatus status = Begin(SimIoKind::kRemove, normal);
  if (!status.ok()) return status;
  const SimDisk::Node* node = disk_.Find(normal);
  if (node == nullptr || node->file == nullptr) return Missing(normal);
  disk_.Remove(normal);
  return IOStatus::OK();
}

IOStatus SimFileSystem::CreateDir(const std::string& path, const IOOptions&, IODebugContext*) {
  std::string normal = Normal(path);
  IOStatus status = Begin(SimIoKind::kMakeDirectory, normal);
  if (!status.ok()) return status;
  if (normal == "/" || disk_.Find(normal) != nullptr) return IOStatus::IOError(normal, "File exists");
  if (!disk_.IsDirectory(ParentPath(normal))) return Missing(ParentPath(normal));
  disk_.MakeDirectory(normal);
  return IOStatus::OK();
}

IOStatus SimFileSystem::CreateDirIfMissing(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  std::string normal = Normal(path);
  if (!frozen_ && disk_.IsDirectory(normal)) return IOStatus::OK();
  return CreateDir(normal, options, debug);
}

IOStatus SimFileSystem::DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) {
  std::string normal = Normal(path);
  IOStatus status = Begin(SimIoKind::kRemove, normal);
  if (!status.ok()) return status;
  if (!disk_.IsDirectory(normal)) return Missing(normal);
  if (!disk_.Children(normal).empty()) return IOStatus::IOError(normal, "Directory not empty");
  disk_.Remove(normal);
  return IOStatus::OK();
}

IOStatus SimFileSystem::GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, IODebugContext*) {
  std::string normal = Normal(path);
  if (frozen_) return IOStatus::IOError(normal, "the simulated machine has stopped");
  const SimDisk::Node* node = disk_.Find(normal);
  if (node == nullptr || node->file == nullptr) return Missing(normal);
  *size = node->file->bytes().size();
  return IOStatus::OK();
}

IOStatus SimFileSystem::GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* time,
                                                IODebugContext*) {
  *time = 0;
  return disk_.Find(Normal(path)) != nullptr ? IOStatus::OK() : Missing(path);
}

IOStatus SimFileSystem::RenameFile(const std::string& raw_from, const std::string& raw_to, const IOOptions&,
                                   IODebugContext*) {
  std::string from = Normal(raw_from);
  std::string to = Normal(raw_to);
  IOStatus status = Begin(SimIoKind::kRename, to);
  if (!status.ok()) return status;
  if (disk_.Find(from) == nullptr) return Missing(from);
  if (ParentPath(from) != ParentPath(to)) return IOStatus::NotSupported("renaming across directories");
  disk_.Rename(from, to);
  return IOStatus::OK();
}

IOStatus SimFileSystem::LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock, IODebugContext*) {
  std::string normal = Normal(path);
  IOStatus status = Begin(SimIoKind::kLock, normal);
  if (!status.ok()) return status;
  if (!disk_.IsDirectory(ParentPath(normal))) return Missing(ParentPath(normal));
  if (locked_.contains(normal)) return IOStatus::IOError("lock " + normal, "Resource temporarily unavailable");
  if (disk_.Find(normal) == nullptr) disk_.Create(normal);
  locked_.insert(normal);
  *lock = new SimLock(normal, generation_);
  return IOStatus::OK();
}

IOStatus SimFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
  std::unique_ptr<SimLock> mine(static_cast<SimLock*>(lock));
  if (mine->generation == generation_) locked_.erase(mine->path);
  return IOStatus::OK();
}

IOStatus SimFileSystem::GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) {
  *path = "/test";
  return IOStatus::OK();
}

IOStatus SimFileSystem::NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                                  IODebugContext*) {
  result->reset();
  return IOStatus::NotSupported("no log files on a simulated disk");
}

IOStatus SimFileSystem::GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                                        IODebugContext*) {
  *absolute = Normal(path);
  return IOStatus::OK();
}

IOStatus SimFileSystem::IsDirectory(const std::string& path, const IOOptions&, bool* is_directory, IODebugContext*) {
  *is_directory = disk_.IsDirectory(Normal(path));
  return IOStatus::OK();
}

IOStatus SimFileSystem::GetFreeSpace(const std::string&, const IOOptions&, uint64_t* free_bytes, IODebugContext*) {
  if (frozen_) return IOStatus::IOError("the simulated machine has stopped");
  uint64_t used = disk_.used_bytes();
  *free_bytes = used < capacity_bytes_ ? capacity_bytes_ - used : 0;
  return IOStatus::OK();
}

}  // namespace henge::sim
