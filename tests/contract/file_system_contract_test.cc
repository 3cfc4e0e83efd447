// What the store takes for granted of a file system, on the simulated and on the operating system's.
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "tests/sim/sim_file_system.h"

namespace henge {
namespace {

using rocksdb::FileOptions;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

struct SimWorld {
  std::shared_ptr<rocksdb::FileSystem> fs = std::make_shared<sim::SimFileSystem>(1);
  std::string top = "/top";
  SimWorld() { EXPECT_TRUE(fs->CreateDir(top, IOOptions(), nullptr).ok()); }
};

struct PosixWorld {
  std::shared_ptr<rocksdb::FileSystem> fs = rocksdb::FileSystem::Default();
  std::string top = (std::filesystem::temp_directory_path() / "henge_fs_XXXXXX").string();
  PosixWorld() { EXPECT_NE(mkdtemp(top.data()), nullptr); }
  ~PosixWorld() { std::filesystem::remove_all(top); }
};

template <class World>
class FileSystemContract : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return world.top + "/" + name; }

  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(rocksdb::WriteStringToFile(fs(), bytes, Path(name), true).ok());
  }
  std::string Read(const std::string& name) {
    std::string bytes;
    IOStatus status = rocksdb::ReadFileToString(fs(), Path(name), &bytes);
    return status.ok() ? bytes : "(" + status.ToString() + ")";
  }
  std::vector<std::string> Children() {
    std::vector<std::string> names;
    EXPECT_TRUE(fs()->GetChildren(world.top, IOOptions(), &names, nullptr).ok());
    std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
    std::sort(names.begin(), names.end());
    return names;
  }
  rocksdb::FileSystem* fs() { return world.fs.get(); }

  World world;
};

using Worlds = ::testing::Types<SimWorld, PosixWorld>;
TYPED_TEST_SUITE(FileSystemContract, Worlds);

TYPED_TEST(FileSystemContract, WhatIsWrittenIsReadAtOnce) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(this->fs()->NewWritableFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  ASSERT_TRUE(file->Append("hello ", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Append("world", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Flush(IOOptions(), nullptr).ok());
  EXPECT_EQ(this->Read("a"), "hello world");
  ASSERT_TRUE(file->Close(IOOptions(), nullptr).ok());
  uint64_t size = 0;
  ASSERT_TRUE(this->fs()->GetFileSize(this->Path("a"), IOOptions(), &size, nullptr).ok());
  EXPECT_EQ(size, 11);
}

TYPED_TEST(FileSystemContract, MakingAFileAnewEmptiesIt) {
  this->Write("a", "long old contents");
  this->Write("a", "new");
  EXPECT_EQ(this->Read("a"), "new");
}

TYPED_TEST(FileSystemContract, ReopeningAppends) {
  this->Write("a", "old");
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(this->fs()->ReopenWritableFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  ASSERT_TRUE(file->Append("+new", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Close(IOOptions(), nullptr).ok());
  EXPECT_EQ(this->Read("a"), "old+new");
}

TYPED_TEST(FileSystemContract, RandomWritesStandWhereTheyWerePut) {
  this->Write("a", "0123456789");
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  ASSERT_TRUE(this->fs()->NewRandomRWFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  ASSERT_TRUE(file->Write(3, "xyz", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Write(9, "end", IOOptions(), nullptr).ok());
  ASSERT_TRUE(file->Sync(IOOptions(), nullptr).ok());
  EXPECT_EQ(this->Read("a"), "012xyz678end");
  EXPECT_FALSE(this->fs()->NewRandomRWFile(this->Path("none"), FileOptions(), &file, nullptr).ok())
      << "it makes no file";
}

TYPED_TEST(FileSystemContract, ReadsEndWithTheFile) {
  this->Write("a", "0123456789");
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  ASSERT_TRUE(this->fs()->NewRandomAccessFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  char scratch[16];
  rocksdb::Slice slice;
  ASSERT_TRUE(file->Read(7, 10, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.ToString(), "789");
  ASSERT_TRUE(file->Read(50, 10, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.size(), 0);
}

TYPED_TEST(FileSystemContract, SequentialReadsSkip) {
  this->Write("a", "0123456789");
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  ASSERT_TRUE(this->fs()->NewSequentialFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  char scratch[16];
  rocksdb::Slice slice;
  ASSERT_TRUE(file->Read(2, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.ToString(), "01");
  ASSERT_TRUE(file->Skip(3).ok());
  ASSERT_TRUE(file->Read(16, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.ToString(), "56789");
  ASSERT_TRUE(file->Read(16, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.size(), 0);
}

TYPED_TEST(FileSystemContract, RenamingReplaces) {
  this->Write("old", "1");
  this->Write("new", "2");
  ASSERT_TRUE(this->fs()->RenameFile(this->Path("new"), this->Path("old"), IOOptions(), nullptr).ok());
  EXPECT_EQ(this->Read("old"), "2");
  EXPECT_EQ(this->Children(), std::vector<std::string>{"old"});
  EXPECT_FALSE(this->fs()->RenameFile(this->Path("none"), this->Path("x"), IOOptions(), nullptr).ok());
}

TYPED_TEST(FileSystemContract, AnOpenFileOutlivesItsName) {
  this->Write("a", "contents");
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  ASSERT_TRUE(this->fs()->NewRandomAccessFile(this->Path("a"), FileOptions(), &file, nullptr).ok());
  ASSERT_TRUE(this->fs()->DeleteFile(this->Path("a"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(this->fs()->FileExists(this->Path("a"), IOOptions(), nullptr).IsNotFound());
  char scratch[16];
  rocksdb::Slice slice;
  ASSERT_TRUE(file->Read(0, 16, IOOptions(), &slice, scratch, nullptr).ok());
  EXPECT_EQ(slice.ToString(), "contents");
}

TYPED_TEST(FileSystemContract, WhatIsMissingIsSaidToBeMissing) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> random;
  std::unique_ptr<rocksdb::FSSequentialFile> sequential;
  std::unique_ptr<rocksdb::FSWritableFile> writable;
  uint64_t size = 0;
  const std::string none = this->Path("none");
  EXPECT_TRUE(this->fs()->FileExists(none, IOOptions(), nullptr).IsNotFound());
  EXPECT_TRUE(this->fs()->NewRandomAccessFile(none, FileOptions(), &random, nullptr).IsPathNotFound());
  EXPECT_TRUE(this->fs()->NewSequentialFile(none, FileOptions(), &sequential, nullptr).IsPathNotFound());
  EXPECT_TRUE(this->fs()->DeleteFile(none, IOOptions(), nullptr).IsPathNotFound());
  EXPECT_FALSE(this->fs()->GetFileSize(none, IOOptions(), &size, nullptr).ok());
  EXPECT_FALSE(this->fs()->NewWritableFile(none + "/child", FileOptions(), &writable, nullptr).ok());
}

TYPED_TEST(FileSystemContract, DirectoriesAreMadeListedAndRemoved) {
  const std::string directory = this->Path("d");
  ASSERT_TRUE(this->fs()->CreateDirIfMissing(directory, IOOptions(), nullptr).ok());
  ASSERT_TRUE(this->fs()->CreateDirIfMissing(directory, IOOptions(), nullptr).ok());
  EXPECT_FALSE(this->fs()->CreateDir(directory, IOOptions(), nullptr).ok());
  EXPECT_FALSE(this->fs()->CreateDir(this->Path("no/such"), IOOptions(), nullptr).ok());
  this->Write("d/inner", "1");
  this->Write("b", "1");
  EXPECT_EQ(this->Children(), (std::vector<std::string>{"b", "d"})) << "not what lies deeper";
  bool is_directory = false;
  ASSERT_TRUE(this->fs()->IsDirectory(directory, IOOptions(), &is_directory, nullptr).ok());
  EXPECT_TRUE(is_directory);
  EXPECT_FALSE(this->fs()->DeleteDir(directory, IOOptions(), nullptr).ok()) << "not empty";
  ASSERT_TRUE(this->fs()->DeleteFile(this->Path("d/inner"), IOOptions(), nullptr).ok());
  EXPECT_TRUE(this->fs()->DeleteDir(directory, IOOptions(), nullptr).ok());
  std::unique_ptr<rocksdb::FSDirectory> handle;
  ASSERT_TRUE(this->fs()->NewDirectory(this->world.top, IOOptions(), &handle, nullptr).ok());
  EXPECT_TRUE(handle->Fsync(IOOptions(), nullptr).ok());
}

TYPED_TEST(FileSystemContract, ALockIsTakenOnce) {
  rocksdb::FileLock* lock = nullptr;
  rocksdb::FileLock* second = nullptr;
  ASSERT_TRUE(this->fs()->LockFile(this->Path("LOCK"), IOOptions(), &lock, nullptr).ok());
  EXPECT_FALSE(this->fs()->LockFile(this->Path("LOCK"), IOOptions(), &second, nullptr).ok());
  ASSERT_TRUE(this->fs()->UnlockFile(lock, IOOptions(), nullptr).ok());
  ASSERT_TRUE(this->fs()->LockFile(this->Path("LOCK"), IOOptions(), &lock, nullptr).ok());
  ASSERT_TRUE(this->fs()->UnlockFile(lock, IOOptions(), nullptr).ok());
}

TYPED_TEST(FileSystemContract, FreeSpaceIsTold) {
  uint64_t free_bytes = 0;
  ASSERT_TRUE(this->fs()->GetFreeSpace(this->world.top, IOOptions(), &free_bytes, nullptr).ok());
  EXPECT_GT(free_bytes, 0);
}

}  // namespace
}  // namespace henge
