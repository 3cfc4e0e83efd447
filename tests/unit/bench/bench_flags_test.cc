#include "client/bench/bench_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/bench/run_bench_on.h"
#include "tests/unit/bench/fake_targets.h"

namespace henge::bench {
namespace {

using testing::HasSubstr;

// The parser's exit status; 0 = parsed.
int Parse(const std::string& line, BenchFlags& flags) {
  CLI::App app("test", "bench");
  DeclareBenchFlags(app, flags);
  std::ostringstream out, err;
  try {
    app.parse(line);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err);
  }
  return 0;
}

TEST(BenchFlagsTest, DefaultsAreValid) {
  BenchFlags flags;
  ASSERT_EQ(Parse("", flags), 0);
  EXPECT_TRUE(ValidateBenchOptions(flags.options).ok());
  EXPECT_TRUE(flags.options.prefill);
  EXPECT_FALSE(flags.json);
}

TEST(BenchFlagsTest, EveryOptionLands) {
  BenchFlags flags;
  ASSERT_EQ(Parse("--keys 5 --key-prefix p --pattern zipfian --theta 0.5 --value-size 64-1024 --read-share 0,0.5,1 "
                  "--clients 1,64,256 --rate 100 --arrivals poisson --in-flight-max 9 --warm-up 0 --seconds 3 "
                  "--no-prefill --prefill-clients 7 --seed 8 --watch-pid 1,2 --json --announce",
                  flags),
            0);
  const BenchOptions& options = flags.options;
  EXPECT_EQ(options.workload.keys, 5u);
  EXPECT_EQ(options.workload.key_prefix, "p");
  EXPECT_EQ(options.workload.pattern, KeyPattern::kZipfian);
  EXPECT_EQ(options.workload.theta, 0.5);
  EXPECT_EQ(options.workload.value_size.bytes_min, 64u);
  EXPECT_EQ(options.workload.value_size.bytes_max, 1024u);
  EXPECT_THAT(options.read_shares, testing::ElementsAre(0, 0.5, 1));
  EXPECT_THAT(options.clients, testing::ElementsAre(1, 64, 256));
  EXPECT_EQ(options.rate_ops_per_s, 100);
  EXPECT_EQ(options.arrivals, ArrivalKind::kPoisson);
  EXPECT_EQ(options.in_flight_max, 9u);
  EXPECT_EQ(options.warm_up_s, 0);
  EXPECT_EQ(options.seconds, 3);
  EXPECT_FALSE(options.prefill);
  EXPECT_EQ(options.prefill_clients, 7u);
  EXPECT_EQ(options.seed, 8u);
  EXPECT_THAT(options.watch_pids, testing::ElementsAre(1, 2));
  EXPECT_TRUE(flags.json);
  EXPECT_TRUE(flags.announce);
}

TEST(BenchFlagsTest, OneValueSizeIsBothEnds) {
  BenchFlags flags;
  ASSERT_EQ(Parse("--value-size 100", flags), 0);
  EXPECT_EQ(flags.options.workload.value_size.bytes_min, 100u);
  EXPECT_EQ(flags.options.workload.value_size.bytes_max, 100u);
}

TEST(BenchFlagsTest, WrongValuesAreUsageErrors) {
  for (const char* line : {"--value-size big", "--value-size 1-", "--value-size -5", "--pattern zipf", "--arrivals now",
                           "--clients 1,x", "--ops 5 --seconds 3", "--nonsense"}) {
    BenchFlags flags;
    EXPECT_NE(Parse(line, flags), 0) << line;
  }
}

TEST(RunBenchOnTest, ExitStatusTellsSuccessUsageAndFailure) {
  BenchFlags flags;
  flags.options.workload.keys = 10;
  flags.options.ops = 10;
  flags.options.warm_up_s = 0;
  std::ostringstream out, err;
  InlineTarget target;
  EXPECT_EQ(RunBenchOn(target, flags, out, err, false), 0);
  EXPECT_THAT(out.str(), HasSubstr("put"));
  EXPECT_EQ(err.str(), "");

  target.outcome.status = absl::UnavailableError("away");
  EXPECT_EQ(RunBenchOn(target, flags, out, err, false), 1);
  EXPECT_THAT(err.str(), HasSubstr("away"));
  flags.options.prefill = false;
  EXPECT_EQ(RunBenchOn(target, flags, out, err, false), 1);

  flags.options.workload.theta = 2;
  EXPECT_EQ(RunBenchOn(target, flags, out, err, false), 2);
  EXPECT_THAT(err.str(), HasSubstr("--theta 2"));
}

}  // namespace
}  // namespace henge::bench
