// One version is decided once, whatever the network and the crashes do (P31); and the model finds what would break it.
#include "tests/unit/paxos/paxos_model.h"

#include <gtest/gtest.h>

namespace henge::paxos_test {
namespace {

TEST(PaxosModelTest, P31NoHistoryDecidesTwoValues) {
  int decided = 0, contended = 0, crashes = 0;
  for (uint64_t seed = 1; seed <= 100'000; ++seed) {
    const Outcome outcome = RunHistory(seed, Plant::kNone);
    ASSERT_LE(outcome.decided.size(), 1u) << "seed " << seed;
    decided += outcome.decided.empty() ? 0 : 1;
    contended += !outcome.decided.empty() && outcome.ballots > 3 ? 1 : 0;
    crashes += outcome.crashes;
  }
  // Histories that decide nothing would prove nothing.
  EXPECT_GT(decided, 20'000);
  EXPECT_GT(contended, 10'000);
  EXPECT_GT(crashes, 100'000);
}

int HistoriesWithTwoDecisions(Plant plant) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) found += RunHistory(seed, plant).decided.size() > 1 ? 1 : 0;
  return found;
}

TEST(PaxosModelTest, AForgottenPromiseIsFound) { EXPECT_GT(HistoriesWithTwoDecisions(Plant::kForgetsPromise), 0); }
TEST(PaxosModelTest, AnIgnoredAcceptedValueIsFound) {
  EXPECT_GT(HistoriesWithTwoDecisions(Plant::kIgnoresAccepted), 0);
}
TEST(PaxosModelTest, AVoteThatLeavesBeforeItIsDurableIsFound) {
  EXPECT_GT(HistoriesWithTwoDecisions(Plant::kPromiseNotDurable), 0);
}
TEST(PaxosModelTest, ABallotThatIsPromisedTwiceIsFound) {
  EXPECT_GT(HistoriesWithTwoDecisions(Plant::kGrantsTwice), 0);
}

}  // namespace
}  // namespace henge::paxos_test
