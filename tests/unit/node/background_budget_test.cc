// The budget of background work (P39): bounded, yielding, never below its floor.
#include "node/background_budget.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr BackgroundBudgetOptions kOptions = {.bytes_per_second_max = 1'000'000,
                                              .floor_share = 0.05,
                                              .latency_goal = milliseconds(50),
                                              .window = milliseconds(100),
                                              .burst = milliseconds(50)};

// Sends items of `bytes` as fast as the budget allows, under requests that take `latency`; the bytes sent in `time`.
uint64_t Send(BackgroundBudget* budget, MonotonicTime* now, Duration time, uint64_t bytes, Duration latency) {
  const MonotonicTime end = *now + time;
  uint64_t sent = 0;
  MonotonicTime ready = *now;
  while (*now < end) {
    if (latency > Duration{0}) budget->ObserveForeground(latency, *now);
    if (*now >= ready) {
      ready = *now + budget->Take(bytes, *now);
      sent += bytes;
    }
    *now += milliseconds(1);
  }
  return sent;
}

TEST(BackgroundBudgetTest, SendsAtTheMaximumWhileNobodyIsSlow) {
  BackgroundBudget budget(kOptions);
  MonotonicTime now{seconds(1)};
  const uint64_t sent = Send(&budget, &now, seconds(10), 1000, milliseconds(3));
  EXPECT_GT(sent, 9'000'000u);
  EXPECT_LE(sent, 10'100'000u);
  EXPECT_FALSE(budget.yielding());
}

// H30: hints after an outage must not starve the clients; P39: nor stop.
TEST(BackgroundBudgetTest, YieldsToSlowRequestsDownToItsFloorAndComesBack) {
  BackgroundBudget budget(kOptions);
  MonotonicTime now{seconds(1)};
  Send(&budget, &now, seconds(2), 1000, milliseconds(200));
  EXPECT_EQ(budget.rate(), 50'000.0);
  const uint64_t sent = Send(&budget, &now, seconds(10), 1000, milliseconds(200));
  EXPECT_GT(sent, 400'000u) << "the floor is there under any load";
  EXPECT_LT(sent, 600'000u);
  Send(&budget, &now, seconds(10), 1000, milliseconds(3));
  EXPECT_EQ(budget.rate(), 1'000'000.0);
}

TEST(BackgroundBudgetTest, AnItemLargerThanTheBurstGoesAndIsPaidForLater) {
  BackgroundBudget budget(kOptions);
  const MonotonicTime now{seconds(1)};
  EXPECT_EQ(budget.Take(4'000'000, now), Duration{0});
  EXPECT_GT(budget.Take(1, now), seconds(3));
}

TEST(BackgroundBudgetTest, IdleTimeSavesUpNoMoreThanTheBurst) {
  BackgroundBudget budget(kOptions);
  MonotonicTime now{seconds(1)};
  budget.Take(1, now);
  now += seconds(3600);
  uint64_t at_once = 0;
  while (budget.Take(1000, now) == Duration{0}) at_once += 1000;
  EXPECT_LE(at_once, 52'000u);
}

TEST(BackgroundBudgetTest, SamplesAreWantedOnlyAroundBackgroundWork) {
  BackgroundBudget budget(kOptions);
  MonotonicTime now{seconds(1)};
  EXPECT_FALSE(budget.WantsSamples(now));
  budget.Take(1, now);
  EXPECT_TRUE(budget.WantsSamples(now + milliseconds(500)));
  EXPECT_FALSE(budget.WantsSamples(now + seconds(5)));
}

}  // namespace
}  // namespace henge
