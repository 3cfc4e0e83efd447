#include "node/state/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/survivors.h"
#include "node/state/state_change.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

class StateStoreTest : public ::testing::Test {
 protected:
  static ClusterState Members(std::vector<InitialMember> members) {
    return *MakeInitialState("t", 3, std::move(members));
  }
  absl::StatusOr<StoredState> Load(const ClusterState& configured) {
    return LoadState(engine_, configured, MemberId(1));
  }

  coordinator_test::ManualClock clock_;
  coordinator_test::ManualLoop loop_{clock_};
  node_test::FakeStoreEngine engine_{loop_, StoreId(77)};
  const ClusterState two_ = Members({{.name = "n1"}, {.name = "n2"}});
};

TEST_F(StateStoreTest, TheNewestDecidedStateWinsOverTheConfiguration) {
  EXPECT_EQ(Load(two_)->state, two_);
  const ClusterState next = Successor(two_, 5);
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, next.Encode()).ok());
  EXPECT_EQ(Load(two_)->state, next);
}

TEST_F(StateStoreTest, AVoteCountsForTheVersionAfterTheState) {
  PaxosAcceptor acceptor;
  ASSERT_TRUE(acceptor.Prepare({4, MemberId(2)}));
  ASSERT_TRUE(engine_.WriteMeta(kVoteNote, acceptor.Encode(StateVersion(2))).ok());
  EXPECT_EQ(Load(two_)->acceptor, acceptor);
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, Successor(two_, 5).Encode()).ok());
  EXPECT_EQ(Load(two_)->acceptor, PaxosAcceptor());
  ASSERT_TRUE(engine_.WriteMeta(kVoteNote, acceptor.Encode(StateVersion(4))).ok());
  EXPECT_EQ(Load(two_).status().code(), absl::StatusCode::kDataLoss) << "the state before it is gone";
  ASSERT_TRUE(engine_.WriteMeta(kVoteNote, "garbage").ok());
  EXPECT_EQ(Load(two_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StateStoreTest, P30AnotherClustersStateIsRefused) {
  ClusterState other = Successor(*MakeInitialState("other", 3, {{.name = "n1"}, {.name = "n2"}}), 5);
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, other.Encode()).ok());
  const absl::Status refused = Load(two_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("another data directory"));
  other = Successor(two_, 5);
  other.members.erase(other.members.begin());
  for (auto& list : other.owners) list = {MemberId(2)};
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, other.Encode()).ok());
  EXPECT_THAT(std::string(Load(two_).status().message()), HasSubstr("was removed from the cluster"));
}

// P32: the configuration stays that of the first start.
TEST_F(StateStoreTest, P32ARecoveredClustersStateIsTheStoresOwn) {
  SurvivorWords words;
  words[MemberId(1)].sender.store = StoreId(77);
  const ClusterState alone = StateOfSurvivors(Successor(two_, 5), words, {MemberId(1)}, 3);
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, alone.Encode()).ok());
  PaxosAcceptor::Stored vote{StateVersion(9), {}};
  ASSERT_TRUE(vote.acceptor.Accept({1, MemberId(1)}, alone.Encode()));
  ASSERT_TRUE(engine_.WriteMeta(kRecoveryVoteNote, EncodeRecoveryVote(two_.cluster, vote)).ok());
  const auto loaded = Load(two_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->state, alone) << "the one survivor listens where it is configured to";
  EXPECT_TRUE(loaded->recovery.acceptor.accepted().ballot.IsNone()) << "that vote is over";
  EXPECT_EQ(Load(Members({{.name = "n1"}, {.name = "n3"}})).status().code(), absl::StatusCode::kFailedPrecondition);
  const ClusterState newer = Successor(Successor(two_, 5), 6);
  ASSERT_TRUE(engine_.WriteMeta(kStateNote, newer.Encode()).ok());
  EXPECT_EQ(Load(two_)->recovery.acceptor, vote.acceptor);
  EXPECT_EQ(Load(two_)->recovery.version, StateVersion(9));
  vote.version = StateVersion(1);
  ASSERT_TRUE(engine_.WriteMeta(kRecoveryVoteNote, EncodeRecoveryVote(two_.cluster, vote)).ok());
  EXPECT_EQ(Load(two_)->recovery.version, newer.version) << "it doesn't say when it was given, so it stands";
  ASSERT_TRUE(engine_.WriteMeta(kRecoveryVoteNote, "garbage").ok());
  EXPECT_EQ(Load(two_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StateStoreTest, P31ASingleMemberIsBoundAtOnceAndListedWhereItListens) {
  const ClusterState one = Members({{.name = "n1", .client_address = "h:1", .peer_address = "h:2"}});
  ClusterState state = Load(one)->state;
  EXPECT_EQ(state.version, StateVersion(2));
  EXPECT_EQ(state.members[0].store, StoreId(77));
  EXPECT_EQ(Load(one)->state, state) << "once";
  ClusterState moved = one;
  moved.members[0].client_address = "h:9";
  EXPECT_EQ(Load(moved)->state.version, StateVersion(3));
  EXPECT_EQ(Load(moved)->state.members[0].client_address, "h:9");
}

TEST_F(StateStoreTest, WhatASingleMemberAcceptedIsDecided) {
  const ClusterState one = Members({{.name = "n1"}});
  const ClusterState next = Successor(Load(one)->state, 9);
  PaxosAcceptor acceptor;
  ASSERT_TRUE(acceptor.Accept({1, MemberId(1)}, next.Encode()));
  ASSERT_TRUE(engine_.WriteMeta(kVoteNote, acceptor.Encode(next.version)).ok());
  EXPECT_EQ(Load(one)->state, next);
}

}  // namespace
}  // namespace henge
