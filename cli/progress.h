// A line that tells how long work is getting on; on a terminal only, and at most some times a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "cli/terminal.h"

namespace henge::cli {

struct ProgressState {
  double share = -1;  // 0..1 of the whole; negative = nobody knows
  uint64_t items = 0;
  uint64_t bytes = 0;
  double seconds = 0;
};

// "[======>             ]  31 %  12345 keys  3.1 MiB  5120 keys/s"
std::string ProgressLine(const ProgressState& state, const std::string& unit);

class Progress {
 public:
  // Draws to `terminal.err` if that is a terminal and `wanted`. `unit`: what is counted, such as "keys".
  Progress(Terminal& terminal, bool wanted, std::string unit);
  // Leaves the line empty.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(double share, uint64_t items, uint64_t bytes);
  // For messages: the bar goes away until the next Update.
  void Clear();
  double seconds() const;

 private:
  std::ostream& err_;
  const bool draws_;
  const std::string unit_;
  const std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point drawn_at_;
  bool drawn_ = false;
};

}  // namespace henge::cli
