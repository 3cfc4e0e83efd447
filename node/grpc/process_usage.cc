#include "node/grpc/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace henge {

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> total_pages >> resident_pages) {
    usage.resident_bytes = resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  rusage times{};
  if (getrusage(RUSAGE_SELF, &times) == 0) {
    auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    usage.cpu_seconds = seconds(times.ru_utime) + seconds(times.ru_stime);
  }
  return usage;
}

}  // namespace henge
