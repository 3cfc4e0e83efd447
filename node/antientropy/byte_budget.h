// So many bytes a second, and a little ahead of it: what anti-entropy may move.
//
// A value of one loop; pure: the caller passes the time and does the waiting.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/model/time.h"

namespace henge {

class ByteBudget {
 public:
  ByteBudget(uint64_t bytes_per_second, Duration ahead) : bytes_per_second_(bytes_per_second), ahead_(ahead) {}

  // Books `bytes`; returns when the one who moves them may go on: `now`, or later.
  MonotonicTime Take(size_t bytes, MonotonicTime now) {
    const auto cost =
        std::chrono::nanoseconds(static_cast<int64_t>(bytes) * 1'000'000'000 / static_cast<int64_t>(bytes_per_second_));
    booked_until_ = std::max(booked_until_, now) + cost;
    return std::max(now, booked_until_ - ahead_);
  }

 private:
  uint64_t bytes_per_second_;
  Duration ahead_;
  MonotonicTime booked_until_;
};

}  // namespace henge
