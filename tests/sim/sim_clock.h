// The clocks of one simulated process.
//
// The monotonic one has an origin of its own, so that a time which leaks from one process to another is nonsense and is
// noticed. The wall clock has an offset and a drift, and can jump.
#pragma once

#include "core/runtime/clock.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

struct SimClockOptions {
  Duration monotonic_origin = std::chrono::hours(1);                   // what Now() shows at virtual time zero
  WallTime wall_origin{std::chrono::milliseconds(1'750'000'000'000)};  // what WallNow() shows then, if exact
  Duration wall_offset{0};
  double wall_drift = 0;  // 1e-4: gains 0.1 ms a second
};

class SimClock final : public Clock {
 public:
  SimClock(const SimScheduler& scheduler, SimClockOptions options)
      : scheduler_(scheduler), options_(options), wall_since_(scheduler.now()), wall_offset_(options.wall_offset) {}

  MonotonicTime Now() const override { return FromSim(scheduler_.now()); }
  WallTime WallNow() const override;

  // Sets the wall clock forward or back, as an operator or ntpd would.
  void JumpWall(Duration by) { wall_offset_ += by; }
  void SetWallDrift(double drift);

  MonotonicTime FromSim(SimTime time) const {
    return MonotonicTime(time.time_since_epoch() + options_.monotonic_origin);
  }
  // Saturates: a deadline at the end of this clock's time is one at the end of virtual time.
  SimTime ToSim(MonotonicTime time) const;

 private:
  const SimScheduler& scheduler_;
  SimClockOptions options_;
  SimTime wall_since_;  // when wall_offset_ was right
  Duration wall_offset_;
};

}  // namespace henge::sim
