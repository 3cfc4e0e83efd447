// Open files of SimFileSystem. A handle outlives neither the machine's crash nor the process's kill: it then only
// fails.
#pragma once

#include <rocksdb/file_system.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "tests/sim/sim_file_system.h"

namespace henge::sim {

// What every open file has, and the way by which it reaches the disk.
class SimHandle {
 public:
  explicit SimHandle(SimFileSystem& fs_in) : fs(&fs_in), generation(fs_in.generation_) {}

  SimFileSystem* fs;
  uint64_t generation;
  std::string path;
  std::shared_ptr<SimFile> file;

  rocksdb::IOStatus Read(uint64_t offset, size_t n, rocksdb::Slice* result, char* scratch) const;
  rocksdb::IOStatus Write(uint64_t offset, std::string_view data) const;
  rocksdb::IOStatus Truncate(uint64_t size) const;
  rocksdb::IOStatus Sync() const;
  rocksdb::IOStatus SyncDirectory() const;
};

class SimSequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SimSequentialFile(SimHandle handle) : handle_(std::move(handle)) {}

  rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) override {
    rocksdb::IOStatus status = handle_.Read(at_, n, result, scratch);
    if (status.ok()) at_ += result->size();
    return status;
  }
  rocksdb::IOStatus Skip(uint64_t n) override {
    at_ = std::min<uint64_t>(at_ + n, handle_.file->bytes().size());
    return rocksdb::IOStatus::OK();
  }

 private:
  const SimHandle handle_;
  uint64_t at_ = 0;
};

class SimRandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit SimRandomAccessFile(SimHandle handle) : handle_(std::move(handle)) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    return handle_.Read(offset, n, result, scratch);
  }

 private:
  const SimHandle handle_;
};

class SimWritableFile final : public rocksdb::FSWritableFile {
 public:
  explicit SimWritableFile(SimHandle handle) : handle_(std::move(handle)) {}

  using rocksdb::FSWritableFile::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return handle_.Write(handle_.file->bytes().size(), {data.data(), data.size()});
  }
  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return handle_.Truncate(size);
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return handle_.Sync(); }
  uint64_t GetFileSize(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return handle_.file->bytes().size();
  }

 private:
  const SimHandle handle_;
};

class SimRandomRwFile final : public rocksdb::FSRandomRWFile {
 public:
  explicit SimRandomRwFile(SimHandle handle) : handle_(std::move(handle)) {}

  rocksdb::IOStatus Write(uint64_t offset, const rocksdb::Slice& data, const rocksdb::IOOptions&,
                          rocksdb::IODebugContext*) override {
    return handle_.Write(offset, {data.data(), data.size()});
  }
  rocksdb::IOStatus Read(uint64_t offset, size_t n, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) const override {
    return handle_.Read(offset, n, result, scratch);
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return handle_.Sync(); }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }

 private:
  const SimHandle handle_;
};

class SimDirectory final : public rocksdb::FSDirectory {
 public:
  explicit SimDirectory(SimHandle handle) : handle_(std::move(handle)) {}

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return handle_.SyncDirectory();
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }

 private:
  const SimHandle handle_;
};

}  // namespace henge::sim
