#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/bench/generator.h"
#include "tests/unit/bench/fake_targets.h"

namespace henge::bench {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;

class ClosedLoopTest : public testing::Test {
 protected:
  PhaseContext Context(BenchTarget& target, BenchTime& time) { return {target, ops_, time, "k", 1, nullptr}; }

  const ValuePool values_{{16, 16}, 1};
  const std::unique_ptr<KeyDistribution> keys_ = MakeKeyDistribution(KeyPattern::kUniform, 1000, 0.99);
  MixedOps ops_{0.5, *keys_, values_};
};

TEST_F(ClosedLoopTest, ThreadsNeverSeeMoreThanOneRequestPerClient) {
  const auto time = MakeRealBenchTime();
  for (uint32_t clients : {1, 7, 64}) {
    ThreadedTarget target(4);
    const PhaseStats stats = RunClosedLoop(Context(target, *time), {0, 50'000}, clients);
    EXPECT_LE(target.in_flight_max, static_cast<int>(clients));
    EXPECT_EQ(target.in_flight, 0);
    EXPECT_EQ(target.gets + target.puts, 50'000u);
    EXPECT_EQ(stats.get.latency_ns.count(), target.gets);
    EXPECT_EQ(stats.put.latency_ns.count(), target.puts);
  }
}

TEST_F(ClosedLoopTest, AllClientsAreInFlightAtOnce) {
  VirtualTime time;
  VirtualServer target(time, kMs);
  target.opens_ns = kSecond;
  RunClosedLoop(Context(target, time), {2 * kSecond, 0}, 64);
  EXPECT_EQ(target.in_flight_max, 64);
}

// One server of 1 ms and 10 patient clients: 1,000 operations per second, each of which waits for nine others.
TEST_F(ClosedLoopTest, MeasuresRateAndLatencyOfAQueue) {
  VirtualTime time;
  VirtualServer target(time, kMs);
  const PhaseStats stats = RunClosedLoop(Context(target, time), {2 * kSecond, 0}, 10);
  EXPECT_DOUBLE_EQ(stats.window_s, 2);
  EXPECT_EQ(stats.get.in_window + stats.put.in_window, 2000u);
  EXPECT_NEAR(stats.put.latency_ns.Percentile(50), 10 * kMs, kMs / 20);
  // What was in flight at the end is waited for, and counts as latency but not as throughput.
  EXPECT_EQ(stats.get.latency_ns.count() + stats.put.latency_ns.count(), 2009u);
  EXPECT_EQ(target.in_flight, 0);
}

TEST_F(ClosedLoopTest, WithANumberOfOperationsTheWindowEndsWithTheLast) {
  VirtualTime time;
  VirtualServer target(time, kMs);
  const PhaseStats stats = RunClosedLoop(Context(target, time), {0, 500}, 10);
  EXPECT_NEAR(stats.window_s, 0.5, 1e-9);
  EXPECT_EQ(stats.get.in_window + stats.put.in_window, 500u);
}

// Recursion from callback to call would need a stack frame per operation.
TEST_F(ClosedLoopTest, ATargetThatAnswersAtOnceNeedsNoStack) {
  VirtualTime time;
  InlineTarget target;
  const PhaseStats stats = RunClosedLoop(Context(target, time), {0, 1'000'000}, 3);
  EXPECT_EQ(stats.get.latency_ns.count() + stats.put.latency_ns.count(), 1'000'000u);
  EXPECT_EQ(target.in_flight_max, 1);
}

TEST_F(ClosedLoopTest, FailuresAreCountedByCodeAndNotAsLatency) {
  VirtualTime time;
  InlineTarget target;
  target.outcome = {absl::UnavailableError("two of three nodes did not answer"), false};
  const PhaseStats stats = RunClosedLoop(Context(target, time), {0, 1000}, 3);
  EXPECT_EQ(stats.get.errors + stats.put.errors, 1000u);
  EXPECT_EQ(stats.get.latency_ns.count() + stats.put.latency_ns.count(), 0u);
  EXPECT_EQ(stats.put.errors_by_code.at("UNAVAILABLE"), stats.put.errors);
  EXPECT_THAT(stats.put.first_error, testing::HasSubstr("two of three"));
}

TEST_F(ClosedLoopTest, AReadOfNothingIsAMiss) {
  VirtualTime time;
  InlineTarget target;
  target.outcome.found = false;
  MixedOps reads(1, *keys_, values_);
  const PhaseStats stats = RunClosedLoop({target, reads, time, "k", 1, nullptr}, {0, 1000}, 3);
  EXPECT_EQ(stats.get.misses, 1000u);
  EXPECT_EQ(stats.get.errors, 0u);
}

TEST_F(ClosedLoopTest, ReportsProgressUpToTheEnd) {
  VirtualTime time;
  VirtualServer target(time, kMs);
  std::vector<double> shares, rates;
  PhaseContext context = Context(target, time);
  context.progress = [&](const PhaseProgress& progress) {
    shares.push_back(progress.done_share);
    rates.push_back(progress.ops_per_s);
  };
  RunClosedLoop(context, {2 * kSecond, 0}, 10);
  ASSERT_GE(shares.size(), 7u);
  EXPECT_EQ(shares.front(), 0);
  rates.erase(rates.begin());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_NEAR(shares.back(), 1, 0.15);
  for (double rate : rates) EXPECT_NEAR(rate, 1000, 20);
}

TEST_F(ClosedLoopTest, ClientsTakeDifferentKeys) {
  VirtualTime time;
  InlineTarget target;
  RunClosedLoop(Context(target, time), {0, 200}, 200);
  EXPECT_GT(std::set<std::string>(target.keys.begin(), target.keys.end()).size(), 150u);
}

}  // namespace
}  // namespace henge::bench
