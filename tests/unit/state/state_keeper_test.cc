// Deciding and learning cluster states, among members that are bound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/state/state_rig.h"

namespace henge::state_test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class StateKeeperTest : public ::testing::Test {
 protected:
  StateKeeperTest() {
    rig_.StartAll();
    rig_.Pass(seconds(3));
  }

  StateCall CallOf(int from, StateAsk ask, uint64_t round) {
    return {.ask = ask,
            .sender = {rig_.initial().cluster, rig_.engine(from).store_id(), rig_.keeper(from).ring()->version(),
                       rig_.keeper(from).ring()->digest()},
            .ballot = {round, MemberId(static_cast<uint32_t>(from))}};
  }

  StateRig rig_{3};
};

TEST_F(StateKeeperTest, AChangeAtOneMemberIsKnownToAll) {
  const auto version = rig_.Change(2, Create("a"));
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(*version, StateVersion(3));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_NE(rig_.state(i).FindBucket("a"), nullptr) << i;
    EXPECT_EQ(rig_.keeper(i).ring()->digest(), rig_.keeper(1).ring()->digest());
  }
  EXPECT_EQ(rig_.Change(1, Create("a")).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(StateKeeperTest, P31OfTwoChangesAtOnceBothSeeWhatTheyReallyChange) {
  const auto a = rig_.Propose(1, Create("same"));
  const auto b = rig_.Propose(3, Create("same"));
  const auto c = rig_.Propose(2, Create("other"));
  rig_.Pass(seconds(6));
  ASSERT_TRUE(a->has_value() && b->has_value() && c->has_value());
  ASSERT_NE((*a)->ok(), (*b)->ok()) << "one of two creates of one name is the first";
  EXPECT_EQ(((*a)->ok() ? **b : **a).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE((*c)->ok());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(rig_.state(i).version, StateVersion(4));
    EXPECT_EQ(rig_.state(i).FindBucket("same")->id.value() + rig_.state(i).FindBucket("other")->id.value(), 5u);
  }
}

TEST_F(StateKeeperTest, AMajorityIsEnoughAndLessSaysWhoIsMissing) {
  rig_.Cut(3);
  ASSERT_TRUE(rig_.Change(1, Create("a")).ok());
  rig_.Cut(2);
  const absl::Status refused = rig_.Change(1, Create("b")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2 of 3 members must take part"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("n2 (not connected), n3 (not connected)"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("nothing was changed"));
  rig_.Mend(2);
  rig_.Mend(3);
  ASSERT_TRUE(rig_.Change(3, Create("c")).ok()) << "one that was cut off is told what it missed";
  EXPECT_NE(rig_.state(3).FindBucket("a"), nullptr);
  EXPECT_EQ(rig_.state(3).FindBucket("b"), nullptr);
}

TEST_F(StateKeeperTest, ANewerVersionOfAPeerIsFetchedFromIt) {
  rig_.Cut(3);
  ASSERT_TRUE(rig_.Change(1, Create("a")).ok());
  rig_.Mend(3);
  rig_.keeper(3).OnPeerState(MemberId(2), StateVersion(3), rig_.keeper(2).ring()->digest());
  rig_.Pass(Duration(0));
  EXPECT_EQ(rig_.state(3).version, StateVersion(3));
}

TEST_F(StateKeeperTest, WithoutAnyNewsAMemberThatIsBehindCatchesUp) {
  rig_.Cut(3);
  ASSERT_TRUE(rig_.Change(1, Create("a")).ok());
  rig_.Mend(3);
  rig_.Pass(seconds(60));
  EXPECT_EQ(rig_.state(3).version, StateVersion(3));
}

TEST_F(StateKeeperTest, P31ARestartedMemberStartsFromWhatItKnewAndKeepsItsVote) {
  ASSERT_TRUE(rig_.Change(1, Create("a")).ok());
  const StateCall prepare = CallOf(2, StateAsk::kPrepare, 9);
  EXPECT_EQ(rig_.Ask(1, 2, prepare)->verdict, StateVerdict::kGranted);
  rig_.Stop(1);
  rig_.Start(1);
  EXPECT_EQ(rig_.state(1).version, StateVersion(3)) << "not version 1 of its configuration";
  EXPECT_EQ(rig_.Ask(1, 2, prepare)->verdict, StateVerdict::kRefused);
  EXPECT_EQ(rig_.Ask(1, 3, CallOf(3, StateAsk::kPrepare, 8))->verdict, StateVerdict::kRefused);
}

TEST_F(StateKeeperTest, P31AVoteIsToldOnlyOnceItIsDurable) {
  rig_.engine(1).hold_commits = true;
  EXPECT_EQ(rig_.Ask(1, 2, CallOf(2, StateAsk::kPrepare, 9)).status().code(), absl::StatusCode::kUnknown);
  rig_.engine(1).broken = absl::DataLossError("disk");
  rig_.engine(1).hold_commits = false;
  rig_.engine(1).commit_error = absl::DataLossError("disk");
  rig_.engine(1).ReleaseCommits();
}

TEST_F(StateKeeperTest, P30TwoStatesOfOneVersionAreAnAlarmAndStopAllChanges) {
  StateCall fetch = CallOf(2, StateAsk::kFetch, 0);
  fetch.ballot = {};
  fetch.sender.digest ^= 1;
  EXPECT_TRUE(rig_.Ask(1, 2, fetch).ok());
  EXPECT_EQ(rig_.tracer().events["ClusterStateDiffers"], 1);
  const absl::Status refused = rig_.Change(1, Create("a")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ClusterStateDiffers"));
}

TEST_F(StateKeeperTest, WhatIsNoMessageOfThisClusterIsRefused) {
  EXPECT_EQ(rig_.AskBytes(1, 2, "garbage").code(), absl::StatusCode::kFailedPrecondition) << "of a later version";
  EXPECT_EQ(rig_.AskBytes(1, 2, "\x01garbage").code(), absl::StatusCode::kInvalidArgument);
  StateCall fetch{.sender = {ClusterId(1), StoreId(1), StateVersion(9), 9}};
  EXPECT_EQ(rig_.Ask(1, 2, fetch).status().code(), absl::StatusCode::kFailedPrecondition);
  fetch.sender.cluster = rig_.initial().cluster;
  EXPECT_EQ(rig_.Ask(1, 7, fetch).status().code(), absl::StatusCode::kFailedPrecondition) << "no member";
  StateCall accept = CallOf(2, StateAsk::kAccept, 9);
  accept.value = "no state";
  EXPECT_EQ(rig_.Ask(1, 2, accept).status().code(), absl::StatusCode::kInvalidArgument);
  accept.value = rig_.state(1).Encode();
  EXPECT_EQ(rig_.Ask(1, 2, accept).status().code(), absl::StatusCode::kInvalidArgument) << "not the next version";
  accept.value = Successor(rig_.state(1), 1).Encode();
  accept.ballot.member = MemberId(3);
  EXPECT_EQ(rig_.Ask(1, 2, accept).status().code(), absl::StatusCode::kInvalidArgument) << "another's ballot";
  EXPECT_EQ(rig_.state(1).version, StateVersion(2));
}

// However they end, each leaves the turn to the next.
TEST_F(StateKeeperTest, ChangesOfOneNodeGoOneAfterTheOther) {
  rig_.Cut(2);
  rig_.Cut(3);
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<StateVersion>>>> stuck;
  for (int i = 0; i < 5; ++i) stuck.push_back(rig_.Propose(1, Create("b" + std::to_string(i)), seconds(1 + i % 2)));
  rig_.Pass(seconds(5));
  for (const auto& one : stuck) {
    ASSERT_TRUE(one->has_value());
    EXPECT_EQ((*one)->status().code(), absl::StatusCode::kUnavailable);
  }
  rig_.Mend(2);
  const auto taken = rig_.Propose(1, Create("default"));
  const auto again = rig_.Propose(1, Create("default"));
  const auto fresh = rig_.Propose(1, Create("fresh"));
  rig_.Pass(seconds(3));
  ASSERT_TRUE(taken->has_value() && again->has_value() && fresh->has_value());
  EXPECT_EQ((*again)->status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE((*fresh)->ok()) << (*fresh)->status();
}

// Changes whose time is over don't count among those that wait.
TEST_F(StateKeeperTest, AFullQueueTakesChangesAgainOnceTheWaitingHaveGivenUp) {
  rig_.Cut(2);
  rig_.Cut(3);
  const auto slow = rig_.Propose(1, Create("slow"), seconds(60));
  for (int i = 0; i < 64; ++i) rig_.Propose(1, Create("b" + std::to_string(i)), seconds(1));
  EXPECT_EQ(rig_.Change(1, Create("one too many")).status().code(), absl::StatusCode::kResourceExhausted);
  rig_.Pass(seconds(5));
  const auto late = rig_.Propose(1, Create("late"), seconds(60));
  rig_.Mend(2);
  rig_.Pass(seconds(10));
  ASSERT_TRUE(slow->has_value() && late->has_value());
  EXPECT_TRUE((*slow)->ok()) << (*slow)->status();
  EXPECT_TRUE((*late)->ok()) << (*late)->status();
}

TEST_F(StateKeeperTest, ADrainingNodeTakesNoChangeButStillVotes) {
  bool idle = false;
  rig_.keeper(1).Drain([&idle] { idle = true; });
  EXPECT_TRUE(idle);
  EXPECT_EQ(rig_.Change(1, Create("a")).status().code(), absl::StatusCode::kUnavailable);
  rig_.Cut(2);
  EXPECT_TRUE(rig_.Change(3, Create("b")).ok());
}

}  // namespace
}  // namespace henge::state_test
