#include "client/bench/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/bench/fake_targets.h"

namespace henge::bench {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

BenchReport Measured() {
  VirtualTime time;
  VirtualServer target(time, 1'000'000);
  BenchOptions options;
  options.workload.keys = 100;
  options.read_shares = {0, 0.5};
  options.clients = {4};
  options.seconds = 1;
  absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  EXPECT_TRUE(report.ok());
  return *std::move(report);
}

TEST(BenchReportTest, JsonHasEveryFigure) {
  const auto json = nlohmann::json::parse(ToJson(Measured()));
  EXPECT_EQ(json["target"], "fake");
  EXPECT_EQ(json["keys"], 100);
  EXPECT_EQ(json["prefill"]["put"]["ops"], 100);
  ASSERT_EQ(json["stages"].size(), 2u);
  const auto& puts = json["stages"][0];
  EXPECT_EQ(puts["loop"], "closed");
  EXPECT_EQ(puts["clients"], 4);
  EXPECT_TRUE(puts["get"].is_null());
  EXPECT_NEAR(puts["put"]["ops_per_s"].get<double>(), 1000, 2);
  for (const char* name : {"min", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"}) {
    EXPECT_NEAR(puts["put"]["latency_us"][name].get<double>(), 4000, 4000) << name;
  }
  EXPECT_NEAR(puts["put"]["latency_us"]["p50"].get<double>(), 4000, 20);
  EXPECT_EQ(puts["put"]["errors"], 0);
  EXPECT_FALSE(json["stages"][1]["get"].is_null());
}

TEST(BenchReportTest, TheTableHasARowPerKind) {
  std::ostringstream out;
  WriteTable(Measured(), out);
  EXPECT_THAT(out.str(), HasSubstr("fake: 100 keys, uniform, values of 256 bytes"));
  EXPECT_THAT(out.str(), HasSubstr("prefill: 100 puts"));
  EXPECT_THAT(out.str(), ContainsRegex("put +4 +1000 "));
  EXPECT_THAT(out.str(), ContainsRegex("get +4 +[45][0-9][0-9] "));
}

TEST(BenchReportTest, FailuresAreShownWithTheirFirstText) {
  VirtualTime time;
  InlineTarget target;
  // A byte that is no UTF-8 must not break the JSON.
  target.outcome.status = absl::UnavailableError("node 2 is away\xff");
  BenchOptions options;
  options.prefill = false;
  options.warm_up_s = 0;
  options.ops = 10;
  const absl::StatusOr<BenchReport> report = RunBench(options, target, time, nullptr);
  ASSERT_TRUE(report.ok());
  std::ostringstream out;
  WriteTable(*report, out);
  EXPECT_THAT(out.str(), HasSubstr("first error: UNAVAILABLE: node 2 is away"));
  const auto json = nlohmann::json::parse(ToJson(*report));
  EXPECT_EQ(json["stages"][0]["put"]["errors_by_code"]["UNAVAILABLE"], 10);
}

TEST(BenchReportTest, ProgressIsSilentWithoutATerminal) {
  std::ostringstream err;
  EXPECT_EQ(TerminalProgress(err, false), nullptr);
  ClearProgress(err, false);
  EXPECT_EQ(err.str(), "");
  TerminalProgress(err, true)("put, 64 clients", {0.5, 1234});
  EXPECT_THAT(err.str(), HasSubstr("put, 64 clients:  50 %, 1234 ops/s"));
}

TEST(BenchReportTest, AnnouncesEachPhaseOnce) {
  VirtualTime time;
  VirtualServer target(time, 1'000'000);
  BenchOptions options;
  options.workload.keys = 100;
  options.clients = {1, 4};
  std::ostringstream err;
  ASSERT_TRUE(RunBench(options, target, time, LineProgress(err)).ok());
  EXPECT_EQ(err.str(), "prefill\nput, 1 client, warm-up\nput, 1 client\nput, 4 clients, warm-up\nput, 4 clients\n");
}

}  // namespace
}  // namespace henge::bench
