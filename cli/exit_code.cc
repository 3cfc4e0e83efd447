#include "cli/exit_code.h"

namespace henge::cli {

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kUnavailable;
    case absl::StatusCode::kAborted:
      return ExitCode::kConflict;
    default:
      return ExitCode::kError;
  }
}

}  // namespace henge::cli
