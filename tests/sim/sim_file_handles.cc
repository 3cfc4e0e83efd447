#include "tests/sim/sim_file_handles.h"

#include <cstring>

namespace henge::sim {

using rocksdb::IOStatus;

IOStatus SimHandle::Read(uint64_t offset, size_t n, rocksdb::Slice* result, char* scratch) const {
  SimFault fault;
  IOStatus status = fs->Begin(SimIoKind::kRead, path, n, generation, &fault);
  if (!status.ok()) return status;
  const std::string& bytes = file->bytes();
  size_t begin = std::min<uint64_t>(offset, bytes.size());
  size_t size = std::min(n, bytes.size() - begin);
  if (size > 0) std::memcpy(scratch, bytes.data() + begin, size);
  if (fault == SimFault::kBitFlip && size > 0) scratch[size / 2] = static_cast<char>(scratch[size / 2] ^ 1);
  *result = rocksdb::Slice(scratch, size);
  return IOStatus::OK();
}

IOStatus SimHandle::Write(uint64_t offset, std::string_view data) const {
  SimFault fault;
  IOStatus status = fs->Begin(SimIoKind::kWrite, path, data.size(), generation, &fault);
  if (status.ok()) status = fs->Reserve(data.size(), path);
  if (!status.ok()) return status;
  file->Write(offset, data);
  if (fault == SimFault::kBitFlip && !data.empty()) file->FlipBit(offset + data.size() / 2, 0);
  return IOStatus::OK();
}

IOStatus SimHandle::Truncate(uint64_t size) const {
  SimFault fault;
  IOStatus status = fs->Begin(SimIoKind::kTruncate, path, size, generation, &fault);
  if (status.ok()) file->Truncate(size);
  return status;
}

IOStatus SimHandle::Sync() const {
  SimFault fault;
  IOStatus status = fs->Begin(SimIoKind::kSync, path, 0, generation, &fault);
  if (status.ok() && fault != SimFault::kLie) file->Sync();
  return status;
}

IOStatus SimHandle::SyncDirectory() const {
  SimFault fault;
  IOStatus status = fs->Begin(SimIoKind::kSyncDirectory, path, 0, generation, &fault);
  if (status.ok()) fs->disk_.SyncDirectory(path);
  return status;
}

}  // namespace henge::sim
