// Faults on real processes under load, short: nothing is lost, no write fails, all comes together again. How fast, is
// for henge-chaos on a quiet machine.
#include <gtest/gtest.h>

#include "tests/chaos/fault_report.h"
#include "tests/chaos/fault_run.h"

namespace henge::chaos {
namespace {

class HengedFault : public ::testing::TestWithParam<Fault> {};

TEST_P(HengedFault, LosesNothingFailsNoWriteAndComesTogether) {
  FaultRunOptions options;
  options.fault = GetParam();
  options.warm_up = std::chrono::seconds(1);
  options.before = std::chrono::seconds(1);
  options.during = std::chrono::seconds(9);  // longer than gossip takes
  options.after = std::chrono::seconds(1);
  options.keys = 1024;
  options.load.clients = 16;
  const absl::StatusOr<FaultReport> report = RunFault(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->acked, 100u);
  EXPECT_TRUE(report->safe()) << ChartOf(*report) << VerdictOf(*report);
}

INSTANTIATE_TEST_SUITE_P(Faults, HengedFault,
                         ::testing::Values(Fault::kKill, Fault::kPause, Fault::kIsolate, Fault::kSplit,
                                           Fault::kPartial),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

}  // namespace
}  // namespace henge::chaos
