#include "node/real/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace henge {
namespace {

TEST(SchedulingTest, TheThreadAndThoseThatItMakesInterruptNobody) {
  const int outside = sched_getscheduler(0);
  int before = -1, after = -1, child = -1;
  std::thread([&] {
    before = sched_getscheduler(0);
    EXPECT_TRUE(LetRunningThreadsFinish().ok());
    after = sched_getscheduler(0);
    std::thread([&] { child = sched_getscheduler(0); }).join();
  }).join();
  EXPECT_EQ(before, outside);
  EXPECT_EQ(after, SCHED_BATCH);
  EXPECT_EQ(child, SCHED_BATCH);
  EXPECT_EQ(sched_getscheduler(0), outside);
}

}  // namespace
}  // namespace henge
