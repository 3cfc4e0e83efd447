#include "tests/sim/sim_clock.h"

namespace henge::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SimClockTest, MonotonicTimeHasAnOriginOfItsOwn) {
  SimScheduler scheduler(1);
  const SimClock a(scheduler, {.monotonic_origin = hours(1)});
  const SimClock b(scheduler, {.monotonic_origin = hours(7)});
  scheduler.RunFor(seconds(2));
  EXPECT_EQ(a.Now().time_since_epoch(), hours(1) + seconds(2));
  EXPECT_EQ(b.Now() - a.Now(), hours(6));
  EXPECT_EQ(a.ToSim(a.Now()), scheduler.now());
  EXPECT_EQ(a.FromSim(SimTime(seconds(9))) - a.Now(), seconds(7));
}

TEST(SimClockTest, TheEndsOfTimeDoNotOverflow) {
  SimScheduler scheduler(1);
  const SimClock clock(scheduler, {.monotonic_origin = hours(1)});
  EXPECT_EQ(clock.ToSim(MonotonicTime::min()), SimTime::min());
  EXPECT_GT(clock.ToSim(MonotonicTime::max()), SimTime(hours(1'000'000)));
}

TEST(SimClockTest, WallTimeHasOffsetDriftAndJumpsAndMonotonicTimeHasNone) {
  SimScheduler scheduler(1);
  const WallTime origin(milliseconds(1'000'000));
  SimClock clock(scheduler, {.wall_origin = origin, .wall_offset = seconds(3), .wall_drift = 0.01});
  const MonotonicTime start = clock.Now();
  EXPECT_EQ(clock.WallNow() - origin, seconds(3));
  scheduler.RunFor(seconds(100));
  EXPECT_EQ(clock.WallNow() - origin, seconds(3 + 100 + 1));
  clock.SetWallDrift(-0.02);
  EXPECT_EQ(clock.WallNow() - origin, seconds(104));
  scheduler.RunFor(seconds(100));
  EXPECT_EQ(clock.WallNow() - origin, seconds(104 + 100 - 2));
  clock.JumpWall(-seconds(50));
  EXPECT_EQ(clock.WallNow() - origin, seconds(152));
  EXPECT_EQ(clock.Now() - start, seconds(200));
}

}  // namespace
}  // namespace henge::sim
