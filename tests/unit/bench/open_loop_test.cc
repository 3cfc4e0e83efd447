#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "client/bench/generator.h"
#include "tests/unit/bench/fake_targets.h"

namespace henge::bench {
namespace {

constexpr int64_t kUs = 1'000;
constexpr int64_t kMillisecond = 1'000 * kUs;
constexpr int64_t kOneSecond = 1'000 * kMillisecond;

class OpenLoopTest : public testing::Test {
 protected:
  PhaseContext Context(BenchTarget& target) { return {target, ops_, time_, "k", 1, nullptr}; }

  VirtualTime time_;
  const ValuePool values_{{16, 16}, 1};
  const std::unique_ptr<KeyDistribution> keys_ = MakeKeyDistribution(KeyPattern::kUniform, 1000, 0.99);
  MixedOps ops_{0, *keys_, values_};
};

TEST(ArrivalScheduleTest, ConstantGapsDoNotDrift) {
  ArrivalSchedule schedule(ArrivalKind::kConstant, 3000, 1);
  for (int64_t i = 0; i < 30'000; ++i) ASSERT_EQ(schedule.NextNs(), std::llround(static_cast<double>(i) * 1e9 / 3000));
}

TEST(ArrivalScheduleTest, PoissonGapsHaveTheirMeanAndVariance) {
  ArrivalSchedule schedule(ArrivalKind::kPoisson, 1000, 1);
  constexpr int kDraws = 200'000;
  double sum = 0, squares = 0;
  int64_t last = 0;
  for (int i = 0; i < kDraws; ++i) {
    const int64_t at = schedule.NextNs();
    ASSERT_GE(at, last);
    const auto gap_ms = static_cast<double>(at - last) / kMillisecond;
    sum += gap_ms;
    squares += gap_ms * gap_ms;
    last = at;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 1, 0.01);
  // An exponential distribution's deviation equals its mean.
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean), 1, 0.02);
}

TEST_F(OpenLoopTest, StartsAtTheRateHoweverSlowTheTarget) {
  VirtualServer target(time_, 100 * kUs);
  const PhaseStats stats = RunOpenLoop(Context(target), {2 * kOneSecond, 0}, {1000});
  EXPECT_EQ(target.puts, 2000u);
  EXPECT_EQ(stats.put.latency_ns.count(), 2000u);
  EXPECT_NEAR(stats.put.latency_ns.Percentile(99.99), 100 * kUs, kUs);
  EXPECT_EQ(stats.schedule_lag_ns.max(), 0);
}

// The server is closed during the first second. 1,000 operations were due then: the first waited the whole second, the
// last hardly at all. A generator that waits for answers would have seen one slow operation.
TEST_F(OpenLoopTest, AStallIsSeenByAllThatItDelays) {
  VirtualServer target(time_, kUs);
  target.opens_ns = kOneSecond;
  const PhaseStats stats = RunOpenLoop(Context(target), {2 * kOneSecond, 0}, {1000});
  ASSERT_EQ(stats.put.latency_ns.count(), 2000u);
  EXPECT_NEAR(stats.put.latency_ns.max(), kOneSecond, kMillisecond);
  EXPECT_NEAR(stats.put.latency_ns.Percentile(75), kOneSecond / 2, 10 * kMillisecond);
  EXPECT_LT(stats.put.latency_ns.Percentile(49), kMillisecond);
}

// With one place only, starts wait; latency still counts from when they were due.
TEST_F(OpenLoopTest, ABoundOnWhatIsInFlightHidesNoDelay) {
  VirtualServer target(time_, kUs);
  target.opens_ns = kOneSecond;
  const PhaseStats stats = RunOpenLoop(Context(target), {0, 1000},
                                       {.ops_per_s = 1000, .arrivals = ArrivalKind::kConstant, .in_flight_max = 1});
  EXPECT_EQ(target.in_flight_max, 1);
  EXPECT_NEAR(stats.put.latency_ns.max(), kOneSecond, 2 * kMillisecond);
  EXPECT_GT(stats.put.latency_ns.Percentile(50), 400 * kMillisecond);
  EXPECT_GT(stats.schedule_lag_ns.Percentile(50), 400 * kMillisecond);
}

TEST_F(OpenLoopTest, OverloadShowsAsLatencyAndAsAchievedRate) {
  VirtualServer target(time_, 2 * kMillisecond);  // carries 500 a second
  const PhaseStats stats = RunOpenLoop(Context(target), {2 * kOneSecond, 0}, {1000});
  EXPECT_EQ(stats.put.latency_ns.count(), 2000u);
  EXPECT_NEAR(static_cast<double>(stats.put.in_window) / stats.window_s, 500, 2);
  EXPECT_NEAR(stats.put.latency_ns.max(), 2 * kOneSecond, 10 * kMillisecond);
}

TEST(RealTimeTest, SleepsUntilTheDeadlineAndNotLess) {
  const auto time = MakeRealBenchTime();
  const int64_t deadline = time->NowNs() + 2 * kMillisecond;
  time->SleepUntil(deadline);
  EXPECT_GE(time->NowNs(), deadline);
}

}  // namespace
}  // namespace henge::bench
