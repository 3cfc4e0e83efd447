#include "tests/sim/sim_clock.h"

#include <cmath>

namespace henge::sim {
namespace {

Duration Drifted(Duration elapsed, double drift) {
  return Duration(std::llround(static_cast<double>(elapsed.count()) * drift));
}

}  // namespace

WallTime SimClock::WallNow() const {
  const SimTime now = scheduler_.now();
  const Duration wall = now.time_since_epoch() + wall_offset_ + Drifted(now - wall_since_, options_.wall_drift);
  return options_.wall_origin + std::chrono::floor<WallTime::duration>(wall);
}

void SimClock::SetWallDrift(double drift) {
  const SimTime now = scheduler_.now();
  wall_offset_ += Drifted(now - wall_since_, options_.wall_drift);
  wall_since_ = now;
  options_.wall_drift = drift;
}

SimTime SimClock::ToSim(MonotonicTime time) const {
  const Duration since_epoch = time.time_since_epoch();
  if (since_epoch < Duration::min() + options_.monotonic_origin) return SimTime::min();
  return SimTime(since_epoch - options_.monotonic_origin);
}

}  // namespace henge::sim
