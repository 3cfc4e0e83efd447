// What a process of this machine has used so far, from /proc.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace henge::bench {

struct ProcessUsage {
  double cpu_s = 0;  // user and system, all threads
  uint64_t resident_bytes = 0;
};

// pid 0 = this process. NOT_FOUND if there is none.
absl::StatusOr<ProcessUsage> ReadProcessUsage(int pid);

}  // namespace henge::bench
