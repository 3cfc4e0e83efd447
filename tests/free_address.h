// Addresses for the servers of a test.
#pragma once

#include <unistd.h>

#include <atomic>
#include <string>

namespace henge {

// An address of the loopback interface that no other process takes: the host part is this process's id, and the port is
// below those that the system gives to outgoing connections.
inline std::string FreeAddress() {
  constexpr int kPortFirst = 20000;
  static std::atomic<int> taken = 0;
  const auto pid = static_cast<unsigned>(getpid());
  return "127." + std::to_string(64 + (pid >> 16) % 64) + "." + std::to_string((pid >> 8) % 256) + "." +
         std::to_string(pid % 256) + ":" + std::to_string(kPortFirst + taken++);
}

}  // namespace henge
