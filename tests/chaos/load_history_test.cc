// The judgement of what clients saw under faults: each kind of harm is seen, and what is right is let pass.
#include "tests/chaos/load_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace henge::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LoadHistoryTest : public ::testing::Test {
 protected:
  sim::MutationId Acked(Seen observed, bool is_delete = false, int attempts = 1) {
    return Ended(sim::OpStatus::kOk, std::move(observed), is_delete, attempts);
  }
  sim::MutationId Ended(sim::OpStatus status, Seen observed, bool is_delete = false, int attempts = 1) {
    LoadHistory::Write write{.key = 0, .is_delete = is_delete};
    write.blind = observed.empty();
    write.observed = std::move(observed);
    const sim::MutationId id = history_.Begin(write);
    history_.End(0, id, status, attempts);
    return id;
  }
  void Read(const Seen& shown) {
    std::vector<std::string> values;
    for (sim::MutationId id : shown) values.push_back(LoadHistory::ValueOf(0, id, 3));
    history_.AddRead(0, 0, SteadyNow(), values);
  }
  // What is said if the nodes show these at the end.
  std::vector<std::string> Verdict(const std::vector<std::optional<Seen>>& shown) {
    std::vector<LoadHistory::FinalReads> finals;
    for (const auto& seen : shown) finals.push_back({seen});
    std::vector<std::string> said;
    for (const sim::Violation& v : history_.Judge(finals)) said.push_back(v.invariant);
    return said;
  }

  LoadHistory history_{1};
};

TEST_F(LoadHistoryTest, WhatIsShownOrSupersededOrDeletedIsNotLost) {
  const auto first = Acked({});
  const auto second = Acked({first});
  const auto third = Acked({});
  Acked({third}, /*is_delete=*/true);
  EXPECT_THAT(Verdict({Seen{second}, Seen{second}, std::nullopt}), IsEmpty());
}

TEST_F(LoadHistoryTest, I1AnAckedWriteThatNobodyReplacedIsLost) {
  const auto first = Acked({});
  const auto second = Acked({first});
  Acked({});
  EXPECT_THAT(Verdict({Seen{second}}), ElementsAre("I1"));
}

TEST_F(LoadHistoryTest, I1WhatAFailedWriteHadSeenIsNotReplacedByIt) {
  const auto first = Acked({});
  Ended(sim::OpStatus::kFail, {first}, /*is_delete=*/true);
  EXPECT_THAT(Verdict({Seen{}}), ElementsAre("I1"));
}

TEST_F(LoadHistoryTest, AWriteOfUnknownOutcomeMayBeThereOrNot) {
  const auto first = Acked({});
  const auto second = Ended(sim::OpStatus::kInfo, {first});
  EXPECT_THAT(Verdict({Seen{second}}), IsEmpty());
  EXPECT_THAT(Verdict({Seen{first}}), IsEmpty());
}

TEST_F(LoadHistoryTest, I2AValueOfAnotherKeyOrOfNobodyIsSeen) {
  EXPECT_EQ(LoadHistory::SeenIn(1, {LoadHistory::ValueOf(0, 7, 3)}), Seen{0});
  const auto first = Acked({});
  EXPECT_THAT(Verdict({Seen{first, 0}}), ElementsAre("I2"));
}

TEST_F(LoadHistoryTest, I3NodesThatShowDifferentVersionsAreSeen) {
  const auto first = Acked({});
  const auto second = Acked({});
  EXPECT_THAT(Verdict({Seen{first, second}, Seen{second}}), ::testing::Contains("I3"));
}

TEST_F(LoadHistoryTest, I4AVersionBesideItsSuccessorIsSeen) {
  const auto first = Acked({});
  const auto second = Acked({first});
  Read({first, second});
  EXPECT_THAT(Verdict({Seen{second}}), ElementsAre("I4"));
}

TEST_F(LoadHistoryTest, I7WhatWasReplacedAndIsShownAtTheEndCameBack) {
  const auto first = Acked({});
  Acked({first}, /*is_delete=*/true);
  EXPECT_THAT(Verdict({Seen{first}}), ElementsAre("I7"));
}

TEST_F(LoadHistoryTest, P8AWriteThatWasSentTwiceMayHaveAnotherVersionLeft) {
  const auto first = Acked({}, /*is_delete=*/false, /*attempts=*/2);
  Acked({first}, /*is_delete=*/true);
  EXPECT_THAT(Verdict({Seen{first}}), IsEmpty());
}

}  // namespace
}  // namespace henge::chaos
