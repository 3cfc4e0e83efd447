#include "storage/data_dir.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/runtime/status_macros.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr char kFormatName[] = "henge-store ";

// Whatever stops us from making a file here is, for the operator, a directory that can't be written; unless it is full.
absl::Status NotWritable(const rocksdb::IOStatus& status, const std::string& path) {
  absl::Status mapped = FromRocks(status, "");
  if (mapped.code() == absl::StatusCode::kResourceExhausted) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no space left for the data directory ", path, ": free some, then start again"));
  }
  return absl::PermissionDeniedError(absl::StrCat("can't write the data directory ", path, " (", status.ToString(),
                                                  "): give it to the user that henged runs as, or choose another one"));
}

std::string ParentOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<int> ParseFormat(absl::string_view text) {
  int version = 0;
  if (!absl::ConsumePrefix(&text, kFormatName) || !absl::ConsumeSuffix(&text, "\n") ||
      !absl::SimpleAtoi(text, &version)) {
    return absl::DataLossError("unreadable");
  }
  return version;
}

}  // namespace

DataDir::DataDir(std::shared_ptr<rocksdb::FileSystem> fs, std::string path)
    : fs_(std::move(fs)), path_(std::move(path)) {}

DataDir::~DataDir() {
  if (lock_ == nullptr) return;
  // The lock dies with the process anyway, and a failure can't be handed to anybody.
  fs_->UnlockFile(lock_, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
}

absl::StatusOr<std::unique_ptr<DataDir>> DataDir::Open(rocksdb::Env& env, std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) return absl::InvalidArgumentError("the data directory's name is empty: set data_dir");
  std::unique_ptr<DataDir> dir(new DataDir(env.GetFileSystem(), std::move(path)));
  HENGE_RETURN_IF_ERROR(dir->MakeDirectories(dir->path_));
  HENGE_RETURN_IF_ERROR(dir->Lock());
  HENGE_RETURN_IF_ERROR(dir->CheckFormat());
  HENGE_RETURN_IF_ERROR(dir->MakeDirectories(dir->DatabasePath()));
  return dir;
}

bool DataDir::HasDatabase() const {
  return fs_->FileExists(DatabasePath() + "/CURRENT", rocksdb::IOOptions(), nullptr).ok();
}

absl::Status DataDir::MakeDirectories(const std::string& path) {
  if (fs_->FileExists(path, rocksdb::IOOptions(), nullptr).ok()) return absl::OkStatus();
  std::string parent = ParentOf(path);
  if (parent != path) HENGE_RETURN_IF_ERROR(MakeDirectories(parent));
  rocksdb::IOStatus status = fs_->CreateDirIfMissing(path, rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return NotWritable(status, path);
  return SyncDirectory(parent);
}

absl::Status DataDir::Lock() {
  std::string lock_path = path_ + "/LOCK";
  rocksdb::IOStatus status = fs_->LockFile(lock_path, rocksdb::IOOptions(), &lock_, nullptr);
  if (status.ok()) return absl::OkStatus();
  lock_ = nullptr;
  if (FromRocks(status, "").code() == absl::StatusCode::kFailedPrecondition) {
    return absl::FailedPreconditionError(absl::StrCat("the data directory ", path_, " is in use by another process (",
                                                      lock_path,
                                                      " is locked): stop that one, or choose another directory"));
  }
  return NotWritable(status, path_);
}

absl::Status DataDir::CheckFormat() {
  std::string format_path = path_ + "/FORMAT";
  if (!fs_->FileExists(format_path, rocksdb::IOOptions(), nullptr).ok()) {
    if (HasDatabase()) {
      return absl::DataLossError(
          absl::StrCat(path_, " holds a database, but its FORMAT file is missing: ", kDamageAdvice));
    }
    return WriteFormat();
  }
  std::string text;
  rocksdb::IOStatus status = rocksdb::ReadFileToString(fs_.get(), format_path, &text);
  if (!status.ok()) return FromRocks(status, absl::StrCat("can't read ", format_path));
  absl::StatusOr<int> version = ParseFormat(text);
  if (!version.ok()) return absl::DataLossError(absl::StrCat(format_path, " is unreadable: ", kDamageAdvice));
  if (*version == kStoreFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the data directory ", path_, " has store format ", *version,
                                                    ", this binary knows format ", kStoreFormatVersion,
                                                    ": start the henged version that wrote it, or a later one"));
}

absl::Status DataDir::WriteFormat() {
  std::string format_path = path_ + "/FORMAT";
  std::string new_path = format_path + ".new";
  rocksdb::IOStatus status =
      rocksdb::WriteStringToFile(fs_.get(), absl::StrCat(kFormatName, kStoreFormatVersion, "\n"), new_path, true);
  if (status.ok()) status = fs_->RenameFile(new_path, format_path, rocksdb::IOOptions(), nullptr);
  if (!status.ok()) return NotWritable(status, path_);
  return SyncDirectory(path_);
}

absl::Status DataDir::SyncDirectory(const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus status = fs_->NewDirectory(path, rocksdb::IOOptions(), &directory, nullptr);
  if (status.ok()) status = directory->Fsync(rocksdb::IOOptions(), nullptr);
  return status.ok() ? absl::OkStatus() : NotWritable(status, path);
}

}  // namespace henge
