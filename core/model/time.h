// The two times, as types that don't mix: timeouts use MonotonicTime, stamps that leave the node use WallTime.
//
// Pure values; the clocks that produce them are in core/runtime/clock.h.
#pragma once

#include <chrono>
#include <cstdint>

namespace henge {

using Duration = std::chrono::nanoseconds;

struct MonotonicTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTag, duration>;
  static constexpr bool is_steady = true;
};
struct WallTag {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallTag, duration>;
  static constexpr bool is_steady = false;
};

// Nanoseconds since an arbitrary start; never goes back.
using MonotonicTime = MonotonicTag::time_point;
// Milliseconds since the Unix epoch; may jump. Decides nothing but TTL, LWW stamps and what people read.
using WallTime = WallTag::time_point;

}  // namespace henge
