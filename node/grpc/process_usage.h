// What this process takes of the machine.
#pragma once

#include <cstdint>

namespace henge {

struct ProcessUsage {
  uint64_t resident_bytes = 0;  // 0 if the system doesn't say
  double cpu_seconds = 0;
};

ProcessUsage ReadProcessUsage();

}  // namespace henge
