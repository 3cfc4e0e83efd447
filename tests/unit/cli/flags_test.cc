#include "cli/flags.h"

#include <gtest/gtest.h>

namespace henge::cli {
namespace {

using std::chrono::milliseconds;

TEST(FlagsTest, ConsistencyLevelsBecomeQuorums) {
  auto replicas = [](const std::string& text) { return ToQuorum(*ParseConsistency(text), 3).replicas; };
  EXPECT_EQ(replicas("quorum"), 0u) << "the bucket's default, a majority";
  EXPECT_EQ(replicas("one"), 1u);
  EXPECT_EQ(replicas("all"), 3u);
  EXPECT_EQ(replicas("2"), 2u);
  EXPECT_FALSE(ToQuorum(*ParseConsistency("2"), 3).strict);
  EXPECT_TRUE(ToQuorum(*ParseConsistency("quorum,strict"), 3).strict);
  EXPECT_TRUE(ToQuorum(*ParseConsistency("2,strict"), 3).strict);
}

TEST(FlagsTest, WhatIsNoConsistencyIsRefused) {
  for (const char* wrong : {"", "0", "-1", "8", "two", "one,", ",strict", "strict", "1,sloppy"}) {
    EXPECT_FALSE(ParseConsistency(wrong).ok()) << wrong;
  }
}

TEST(FlagsTest, DurationsHaveUnitsAndBareNumbersAreSeconds) {
  EXPECT_EQ(*ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(*ParseDuration("5s"), milliseconds(5000));
  EXPECT_EQ(*ParseDuration("0.5s"), milliseconds(500));
  EXPECT_EQ(*ParseDuration("2"), milliseconds(2000));
  EXPECT_EQ(*ParseDuration("2m"), milliseconds(120000));
  EXPECT_EQ(*ParseDuration("1h"), milliseconds(3600000));
  EXPECT_EQ(*ParseDuration("1d"), milliseconds(86400000));
}

TEST(FlagsTest, WhatIsNoDurationIsRefused) {
  for (const char* wrong : {"", "s", "-1s", "0", "0s", "5 parsecs", "nan", "inf", "1e300d"}) {
    EXPECT_FALSE(ParseDuration(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace henge::cli
