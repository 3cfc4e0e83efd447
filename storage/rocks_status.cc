#include "storage/rocks_status.h"

#include <rocksdb/status.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/text.h"

namespace henge {
namespace {

// RocksDB keeps the system's error only as text.
bool HasErrnoText(std::string_view text, int error) { return text.find(std::strerror(error)) != text.npos; }

absl::StatusCode CodeOf(const rocksdb::Status& status, std::string_view text) {
  if (status.IsCorruption()) return absl::StatusCode::kDataLoss;
  if (status.IsIncomplete()) return absl::StatusCode::kUnavailable;
  if (status.IsNoSpace() || HasErrnoText(text, ENOSPC)) return absl::StatusCode::kResourceExhausted;
  if (status.IsPathNotFound()) return absl::StatusCode::kDataLoss;
  if (!status.IsIOError()) {
    bool refused = status.IsInvalidArgument() || status.IsNotSupported();
    return refused ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kInternal;
  }
  if (HasErrnoText(text, EAGAIN) || text.find("lock ") != text.npos) return absl::StatusCode::kFailedPrecondition;
  if (HasErrnoText(text, EACCES) || HasErrnoText(text, EROFS) || HasErrnoText(text, EPERM)) {
    return absl::StatusCode::kPermissionDenied;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  std::string text = status.ToString();
  return absl::Status(CodeOf(status, text), absl::StrCat(AbslText(doing), ": ", text));
}

absl::Status FatalStatus(const rocksdb::Status& status, std::string_view doing) {
  absl::Status mapped = FromRocks(status, doing);
  const char* advice = "start the node again: it then checks what the disk has kept";
  if (mapped.code() == absl::StatusCode::kResourceExhausted) advice = "free some space, then start the node again";
  if (mapped.code() == absl::StatusCode::kDataLoss) {
    advice = "wipe this node's data directory and let it be rebuilt from its peers";
  }
  return absl::Status(mapped.code(), absl::StrCat(mapped.message(), "; the store accepts nothing more: ", advice));
}

}  // namespace henge
