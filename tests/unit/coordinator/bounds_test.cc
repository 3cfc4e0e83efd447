#include <gtest/gtest.h>

#include <utility>

#include "coordinator/admission.h"
#include "coordinator/share_budget.h"

namespace henge {
namespace {

TEST(ShareBudget, LetsAShareOfTheRequestsThroughAfterTheBurst) {
  ShareBudget budget(0.1, 5);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(budget.TryTake());
  EXPECT_FALSE(budget.TryTake());
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    budget.OnRequest();
    taken += budget.TryTake() ? 1 : 0;
  }
  EXPECT_EQ(taken, 100);
}

TEST(ShareBudget, SavesUpNoMoreThanTheBurst) {
  ShareBudget budget(0.5, 3);
  for (int i = 0; i < 1000; ++i) budget.OnRequest();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.TryTake());
  EXPECT_FALSE(budget.TryTake());
}

TEST(ShareBudget, AShareOfZeroGivesNothingBack) {
  ShareBudget budget(0, 1);
  EXPECT_TRUE(budget.TryTake());
  for (int i = 0; i < 1000; ++i) budget.OnRequest();
  EXPECT_FALSE(budget.TryTake());
}

TEST(Admission, RefusesAboveTheCountAndTakesAgainWhenATicketEnds) {
  Admission admission(2, 1000);
  Admission::Ticket first = admission.Enter(1);
  {
    Admission::Ticket second = admission.Enter(1);
    EXPECT_TRUE(second.admitted());
    EXPECT_FALSE(admission.Enter(1).admitted());
    EXPECT_EQ(admission.count(), 2) << "a refusal takes no place";
  }
  EXPECT_TRUE(admission.Enter(1).admitted());
  EXPECT_EQ(admission.count(), 1);
}

TEST(Admission, RefusesAboveTheBytes) {
  Admission admission(100, 1000);
  Admission::Ticket first = admission.Enter(600);
  EXPECT_FALSE(admission.Enter(401).admitted());
  EXPECT_TRUE(admission.Enter(400).admitted());
  EXPECT_EQ(admission.bytes(), 600u);
}

TEST(Admission, LetsARequestLargerThanTheBoundInAlone) {
  Admission admission(100, 1000);
  Admission::Ticket large = admission.Enter(5000);
  EXPECT_TRUE(large.admitted());
  EXPECT_FALSE(admission.Enter(1).admitted());
}

TEST(Admission, AMovedTicketIsGivenBackOnce) {
  Admission admission(10, 1000);
  {
    Admission::Ticket first = admission.Enter(7);
    Admission::Ticket moved = std::move(first);
    EXPECT_EQ(admission.count(), 1);
  }
  EXPECT_EQ(admission.count(), 0);
  EXPECT_EQ(admission.bytes(), 0u);
}

}  // namespace
}  // namespace henge
