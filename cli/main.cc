#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "cli/run_cli.h"

int main(int argc, char** argv) {
  // Abseil as it is packaged looks for deadlocks at each of gRPC's locks.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::ios::sync_with_stdio(false);
  // A reader that goes away is a failed write, which is reported.
  std::signal(SIGPIPE, SIG_IGN);
  henge::cli::Terminal terminal{.in = std::cin,
                                .out = std::cout,
                                .err = std::cerr,
                                .in_is_terminal = isatty(STDIN_FILENO) == 1,
                                .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                                .err_is_terminal = isatty(STDERR_FILENO) == 1,
                                .environment = [](const std::string& name) {
                                  const char* value = std::getenv(name.c_str());
                                  return std::string(value != nullptr ? value : "");
                                }};
  return static_cast<int>(henge::cli::RunCli(std::vector<std::string>(argv + 1, argv + argc), terminal));
}
