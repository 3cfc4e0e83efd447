#include "core/model/hlc.h"

#include <gtest/gtest.h>

#include <limits>

namespace henge {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

TEST(HybridClockTest, FollowsTheWallClock) {
  HybridClock clock;
  EXPECT_EQ(clock.Stamp(kNow, 0), HybridClock::FromWall(kNow));
  EXPECT_EQ(clock.Stamp(kNow + 1, 0), HybridClock::FromWall(kNow + 1));
}

TEST(HybridClockTest, GrowsWhileTheWallStandsOrJumpsBack) {
  HybridClock clock;
  uint64_t last = clock.Stamp(kNow, 0);
  for (int64_t wall : {kNow, kNow, kNow - 1'000'000, int64_t{0}, int64_t{-5}, kNow}) {
    const uint64_t next = clock.Stamp(wall, 0);
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST(HybridClockTest, P9AStampIsAboveWhatTheContextCovers) {
  HybridClock clock;
  const uint64_t seen = HybridClock::FromWall(kNow + kHlcAheadMaxMs);
  EXPECT_EQ(clock.Stamp(kNow, seen), seen + 1);
  EXPECT_GT(clock.Stamp(kNow, 0), seen + 1);
}

TEST(HybridClockTest, P9AStampFromTheFarFutureAdvancesNothing) {
  HybridClock clock;
  const uint64_t far = HybridClock::FromWall(kNow + kHlcAheadMaxMs) + 1;
  EXPECT_TRUE(HybridClock::TooFarAhead(far, kNow));
  EXPECT_FALSE(clock.Observe(far, kNow));
  EXPECT_FALSE(clock.Observe(std::numeric_limits<uint64_t>::max(), kNow));
  EXPECT_EQ(clock.Stamp(kNow, std::numeric_limits<uint64_t>::max()), HybridClock::FromWall(kNow));
  EXPECT_TRUE(clock.Observe(far - 1, kNow));
  EXPECT_EQ(clock.Stamp(kNow, 0), far);
}

TEST(HybridClockTest, P9TheFloorSurvivesARestart) {
  HybridClock before;
  const uint64_t last = before.Stamp(kNow, 0);
  HybridClock after(before.last());
  EXPECT_GT(after.Stamp(kNow - 5000, 0), last);
}

}  // namespace
}  // namespace henge
