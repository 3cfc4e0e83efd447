#include "core/runtime/repeat_guard.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

TEST(RepeatGuardTest, SaysEachThingOnceAMinute) {
  RepeatGuard guard;
  MonotonicTime now{};
  EXPECT_TRUE(guard.MaySay("a", now));
  EXPECT_TRUE(guard.MaySay("b", now)) << "another thing is news";
  now += RepeatGuard::kSayAgainAfter - Duration(1);
  EXPECT_FALSE(guard.MaySay("a", now));
  now += Duration(1);
  EXPECT_TRUE(guard.MaySay("a", now));
  EXPECT_FALSE(guard.MaySay("a", now));
}

TEST(RepeatGuardTest, SaysNoMoreThanSoManyThingsAMinute) {
  RepeatGuard guard;
  MonotonicTime now{};
  size_t said = 0;
  for (int i = 0; i < 1000; ++i) said += guard.MaySay("made up " + std::to_string(i), now) ? 1 : 0;
  EXPECT_EQ(said, RepeatGuard::kThingsMax);
  EXPECT_TRUE(guard.MaySay("b", now + RepeatGuard::kSayAgainAfter));
}

}  // namespace
}  // namespace henge
