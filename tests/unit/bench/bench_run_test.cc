#include "client/bench/bench_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "client/bench/process_usage.h"
#include "tests/unit/bench/fake_targets.h"

namespace henge::bench {
namespace {

using testing::HasSubstr;

BenchOptions Small() {
  BenchOptions options;
  options.workload.keys = 100;
  options.warm_up_s = 0.5;
  options.seconds = 1;
  return options;
}

TEST(BenchRunTest, RunsEveryShareWithEveryLoad) {
  VirtualTime time;
  VirtualServer target(time, 1'000'000);
  BenchOptions options = Small();
  options.read_shares = {0, 1};
  options.clients = {1, 8};
  const absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->stages.size(), 4u);
  EXPECT_EQ(report->prefill.ops(), 100u);
  for (const StageReport& stage : report->stages) EXPECT_NEAR(stage.ops_per_s(), 1000, 2);
  EXPECT_EQ(report->stages[1].clients, 8u);
  EXPECT_EQ(report->stages[1].read_share, 0);
  EXPECT_EQ(report->stages[3].stats.put.latency_ns.count(), 0u);
  EXPECT_EQ(report->stages[3].stats.get.misses, 0u);
}

TEST(BenchRunTest, WarmUpIsNotMeasured) {
  VirtualTime time;
  VirtualServer target(time, 1'000'000);
  target.opens_ns = 400'000'000;
  BenchOptions options = Small();
  options.prefill = false;
  const absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  ASSERT_TRUE(report.ok());
  EXPECT_LT(report->stages[0].stats.put.latency_ns.max(), 100'000'000);
  EXPECT_GT(target.puts, report->stages[0].ops());
}

TEST(BenchRunTest, PrefillWritesAllKeysAndNoOthers) {
  VirtualTime time;
  InlineTarget target;
  BenchOptions options = Small();
  options.ops = 1;
  options.warm_up_s = 0;
  ASSERT_TRUE(RunBench(options, target, time, nullptr).ok());
  ASSERT_EQ(target.keys.size(), 101u);
  target.keys.pop_back();
  std::sort(target.keys.begin(), target.keys.end());
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(target.keys[i], KeyName("bench:", i));
}

TEST(BenchRunTest, AFailedPrefillEndsTheRun) {
  VirtualTime time;
  InlineTarget target;
  target.outcome.status = absl::ResourceExhaustedError("disk is full");
  const absl::Status status = RunBench(Small(), target, time, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("disk is full"));
}

TEST(BenchRunTest, ARateRunsAnOpenLoop) {
  VirtualTime time;
  VirtualServer target(time, 1000);
  BenchOptions options = Small();
  options.rate_ops_per_s = 2000;
  const absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stages.size(), 1u);
  EXPECT_EQ(report->stages[0].clients, 0u);
  EXPECT_NEAR(report->stages[0].ops_per_s(), 2000, 2);
}

TEST(BenchRunTest, NamesItsStagesForProgress) {
  VirtualTime time;
  VirtualServer target(time, 1'000'000);
  BenchOptions options = Small();
  options.read_shares = {0.25};
  std::set<std::string> seen;
  ASSERT_TRUE(RunBench(options, target, time, [&](const std::string& stage, const PhaseProgress&) {
                seen.insert(stage);
              }).ok());
  EXPECT_THAT(seen, testing::IsSupersetOf({"25% get, 64 clients, warm-up", "25% get, 64 clients"}));
}

TEST(BenchRunTest, WatchesProcesses) {
  VirtualTime time;
  InlineTarget target;
  BenchOptions options = Small();
  options.ops = 10;
  options.warm_up_s = 0;
  options.watch_pids = {getpid()};
  const absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->stages[0].watched.size(), 1u);
  EXPECT_GT(report->stages[0].watched[0].resident_bytes, 1u << 20);
  options.watch_pids = {0x7ffffff0};
  EXPECT_EQ(RunBench(options, target, time, nullptr).status().code(), absl::StatusCode::kNotFound);
}

TEST(BenchRunTest, WrongOptionsAreNamed) {
  const auto refused = [](auto change) {
    BenchOptions options;
    change(options);
    const absl::Status status = ValidateBenchOptions(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_TRUE(ValidateBenchOptions({}).ok());
  EXPECT_THAT(refused([](BenchOptions& o) { o.workload.keys = 0; }), HasSubstr("--keys 0"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.workload.theta = 1; }), HasSubstr("--theta 1"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.workload.value_size = {2, 1}; }), HasSubstr("--value-size 2-1"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.workload.value_size = {1, 1 << 21}; }), HasSubstr("--value-size"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.workload.key_prefix.assign(5000, 'x'); }), HasSubstr("--key-prefix"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.read_shares = {1.5}; }), HasSubstr("--read-share 1.5"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.read_shares = {NAN}; }), HasSubstr("--read-share"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.clients = {64, 0}; }), HasSubstr("--clients 0"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.clients = {}; }), HasSubstr("--clients"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.seconds = 0; }), HasSubstr("--seconds"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.warm_up_s = -1; }), HasSubstr("--warm-up"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.rate_ops_per_s = -1; }), HasSubstr("--rate"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.in_flight_max = 0; }), HasSubstr("--in-flight-max"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.prefill_clients = 0; }), HasSubstr("--prefill-clients"));
}

TEST(ProcessUsageTest, GrowsWithWork) {
  const absl::StatusOr<ProcessUsage> before = ReadProcessUsage(0);
  ASSERT_TRUE(before.ok());
  for (;;) {
    const absl::StatusOr<ProcessUsage> now = ReadProcessUsage(0);
    ASSERT_TRUE(now.ok());
    ASSERT_GE(now->cpu_s, before->cpu_s);
    if (now->cpu_s > before->cpu_s) break;
  }
}

}  // namespace
}  // namespace henge::bench
