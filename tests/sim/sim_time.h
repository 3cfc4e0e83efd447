// Virtual time: one for the whole simulated world. Nodes never see it: each has clocks of its own (sim_clock.h).
#pragma once

#include "core/model/time.h"

namespace henge::sim {

struct SimTimeTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SimTimeTag, duration>;
  static constexpr bool is_steady = true;
};
// Nanoseconds since the start of the run.
using SimTime = SimTimeTag::time_point;

}  // namespace henge::sim
