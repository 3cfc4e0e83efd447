// The client's clock: monotonic, so that a jump of the wall clock ends no call early or late.
#pragma once

#include <chrono>

namespace henge::sdk {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using SteadyDuration = SteadyClock::duration;

}  // namespace henge::sdk
