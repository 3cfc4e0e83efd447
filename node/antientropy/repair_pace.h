// How quickly differing leaves are repaired, as it was measured: what the estimated time to convergence rests on.
//
// A value of one loop; pure: the caller passes the time.
#pragma once

#include <cstdint>
#include <optional>

#include "core/model/time.h"

namespace henge {

class RepairPace {
 public:
  // A round begins to repair leaves, pauses of the budget and waiting for the peer included; and has repaired one more.
  void Begin(MonotonicTime now) { last_ = now; }
  void OnRepaired(MonotonicTime now) {
    ++leaves_;
    spent_ += now - last_;
    last_ = now;
    if (leaves_ < kRemembered) return;
    // The newer half counts twice: a link or a disk that has become slower shows.
    leaves_ /= 2;
    spent_ /= 2;
  }

  // For so many leaves; nullopt before the first one was repaired.
  std::optional<Duration> TimeFor(uint64_t leaves) const {
    if (leaves_ == 0) return std::nullopt;
    return spent_ / static_cast<int64_t>(leaves_) * static_cast<int64_t>(leaves);
  }

 private:
  static constexpr uint64_t kRemembered = 1024;

  uint64_t leaves_ = 0;
  Duration spent_{0};
  MonotonicTime last_;
};

}  // namespace henge
