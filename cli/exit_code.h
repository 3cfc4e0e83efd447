// How the command ends. Scripts rely on these: they never change.
#pragma once

#include "absl/status/status.h"

namespace henge::cli {

enum class ExitCode : int {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,     // the key isn't there
  kUnavailable = 4,  // no quorum, no node, no time
  kConflict = 5,     // several concurrent versions, where one was asked for
};

// The code for a failure that the cluster reported.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace henge::cli
