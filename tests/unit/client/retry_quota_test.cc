#include "client/src/retry_quota.h"

#include <gtest/gtest.h>

namespace henge::sdk {
namespace {

TEST(RetryQuotaTest, RunsOutAndIsRefilledBySuccesses) {
  RetryQuota quota(30);
  EXPECT_TRUE(quota.TryTake(14));
  EXPECT_TRUE(quota.TryTake(14));
  EXPECT_FALSE(quota.TryTake(14));
  EXPECT_EQ(quota.tokens(), 2);
  for (int i = 0; i < 12; ++i) quota.Refund();
  EXPECT_TRUE(quota.TryTake(14));
}

TEST(RetryQuotaTest, NeverHoldsMoreThanItsCapacity) {
  RetryQuota quota(5);
  quota.Refund();
  EXPECT_EQ(quota.tokens(), 5);
}

TEST(RetryQuotaTest, ANegativeCapacityIsNone) {
  RetryQuota quota(-3);
  EXPECT_FALSE(quota.TryTake(1));
}

}  // namespace
}  // namespace henge::sdk
