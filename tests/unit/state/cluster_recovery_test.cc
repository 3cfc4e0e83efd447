// P32: three of five members are gone for ever, n2 and n4 survive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/survivors.h"
#include "node/state/state_change.h"
#include "tests/unit/state/state_rig.h"

namespace henge::state_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class ClusterRecoveryTest : public ::testing::Test {
 protected:
  ClusterRecoveryTest() {
    rig_.StartAll();
    rig_.Pass(seconds(3));
    EXPECT_TRUE(rig_.Change(1, Create("a")).ok());
    rig_.Pass(seconds(1));
    for (int i : {1, 3, 5}) rig_.Stop(i);
  }

  // What member `i` starts from, as its store has it.
  ClusterState Stored(int i) {
    auto stored = LoadState(rig_.engine(i), rig_.initial(), MemberId(static_cast<uint32_t>(i)));
    EXPECT_TRUE(stored.ok()) << stored.status();
    return stored.ok() ? stored->state : ClusterState();
  }
  void Restart(int i) {
    rig_.Stop(i);
    rig_.Start(i);
  }
  ClusterId old() const { return rig_.initial().cluster; }
  // n2 accepts a recovery with n4, n4 does not.
  void BeginAtN2Alone() {
    rig_.lose = [](int, int to, ControlKind kind, const StateCall& call) {
      return kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kAccept;
    };
    EXPECT_FALSE(rig_.Recover(2, /*force=*/true, {}, seconds(3)).ok());
    rig_.lose = nullptr;
  }
  // A call about the state that member `i` knows.
  StateCall Call(int i, StateAsk ask, uint64_t round = 0, uint32_t from = 0, std::string value = "") {
    const ClusterState& state = rig_.state(i);
    return {.ask = ask,
            .sender = {state.cluster, StoreId(), state.version, state.Digest()},
            .ballot = {round, MemberId(from)},
            .value = std::move(value)};
  }
  std::string RecoveryOf(const std::vector<MemberId>& survivors, uint64_t nonce) {
    SurvivorWords words;
    for (MemberId id : survivors) {
      words[id].sender.store = rig_.engine(static_cast<int>(id.value())).store_id();
    }
    return StateOfSurvivors(rig_.state(4), words, survivors, nonce).Encode();
  }

  StateRig rig_{5};
};

TEST_F(ClusterRecoveryTest, P32WithoutForceNothingChanges) {
  const auto shown = rig_.Recover(2, /*force=*/false);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_FALSE(shown->done);
  EXPECT_FALSE(shown->plan.begun);
  EXPECT_EQ(shown->plan.members.size(), 5u);
  EXPECT_FALSE(rig_.engine(2).ReadMeta(kRecoveryVoteNote)->has_value());
  EXPECT_EQ(Stored(2).cluster, old());
  rig_.Start(1);
  rig_.Start(3);
  rig_.Pass(seconds(3));
  EXPECT_TRUE(rig_.Change(2, Create("b")).ok()) << "the majority came back, and all votes count";
  EXPECT_THAT(std::string(rig_.Recover(2, true).status().message()), HasSubstr("nothing to recover"));
}

TEST_F(ClusterRecoveryTest, P32TheSurvivorsGoOnAsAnotherClusterAndCanDecideAgain) {
  EXPECT_EQ(rig_.Change(2, Create("b"), seconds(2)).status().code(), absl::StatusCode::kUnavailable);
  const auto done = rig_.Recover(2, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->done);
  EXPECT_TRUE(done->unconfirmed.empty());
  for (int i : {2, 4}) {
    EXPECT_EQ(Stored(i).cluster, done->plan.cluster) << "durable before it is acknowledged";
    EXPECT_EQ(rig_.state(i).cluster, old()) << "what runs sees no change";
    EXPECT_FALSE(rig_.gained[i].empty()) << "P15: noted before";
  }
  rig_.Pass(seconds(1));
  EXPECT_EQ(rig_.to_restart, (std::set<int>{2, 4}));
  Restart(2);
  Restart(4);
  rig_.Pass(seconds(3));
  EXPECT_EQ(rig_.state(2), rig_.state(4));
  EXPECT_EQ(rig_.state(2).cluster, done->plan.cluster);
  EXPECT_NE(rig_.state(2).FindBucket("a"), nullptr);
  EXPECT_TRUE(rig_.Change(4, Create("c")).ok());
}

TEST_F(ClusterRecoveryTest, P32NothingIsTakenOverBeforeTheGainedPartitionsAreNoted) {
  rig_.note_gained = false;
  const auto done = rig_.Recover(2, /*force=*/true, {}, seconds(4));
  EXPECT_EQ(done.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Stored(2).cluster, old());
  EXPECT_EQ(Stored(4).cluster, old());
}

TEST_F(ClusterRecoveryTest, P32WhoWasGivenUpIsToldSoAndKeepsWhatItHas) {
  ASSERT_TRUE(rig_.Recover(2, /*force=*/true).ok());
  Restart(2);
  Restart(4);
  const ClusterState before = Stored(1);
  rig_.Start(1);
  rig_.Start(3);
  rig_.Start(5);
  rig_.Pass(seconds(5));
  for (int i : {1, 3, 5}) EXPECT_THAT(rig_.given_up[i], HasSubstr("was given up")) << i;
  EXPECT_EQ(Stored(1), before);
  EXPECT_GT(rig_.tracer().events["ForeignStateRefused"], 0);
  EXPECT_TRUE(rig_.Change(1, Create("x")).ok()) << "the old majority decides, in the old cluster";
  rig_.Pass(seconds(20));
  EXPECT_EQ(rig_.state(2).FindBucket("x"), nullptr);
  EXPECT_EQ(rig_.state(2).cluster, rig_.state(4).cluster);
  EXPECT_EQ(rig_.Recover(1, true).status().code(), absl::StatusCode::kFailedPrecondition);
}

// n4 crashes before it has accepted; n2 has. Repeated, the same cluster comes of it.
TEST_F(ClusterRecoveryTest, P32ARepetitionGoesOnWithWhatOneHasAccepted) {
  rig_.lose = [](int, int to, ControlKind kind, const StateCall& call) {
    return kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kAccept;
  };
  const absl::Status broken = rig_.Recover(2, /*force=*/true, {}, seconds(3)).status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(broken.message()), HasSubstr("a recovery is begun"));
  const auto begun = rig_.Recover(4, /*force=*/false);
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_TRUE(begun->plan.begun);
  EXPECT_EQ(rig_.Recover(4, true, {"n4", "n5"}).status().code(), absl::StatusCode::kUnavailable);
  rig_.lose = nullptr;
  Restart(2);
  Restart(4);
  rig_.Pass(seconds(1));
  EXPECT_EQ(rig_.Ask(2, 4,
                     {.ask = StateAsk::kPrepare,
                      .sender = {old(), StoreId(), rig_.state(2).version, 0},
                      .ballot = {99, MemberId(4)}})
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition)
      << "n2 votes on the old cluster no more, after a restart either";
  const auto done = rig_.Recover(4, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->plan.cluster, begun->plan.cluster);
  EXPECT_EQ(Stored(2).cluster, begun->plan.cluster);
  EXPECT_EQ(Stored(4).cluster, begun->plan.cluster);
}

TEST_F(ClusterRecoveryTest, P32WhoHasAcceptedOneThatCameToNothingVotesAgainOnceTheOldMajorityHasDecided) {
  rig_.lose = [](int, int to, ControlKind kind, const StateCall& call) {
    return kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kAccept;
  };
  EXPECT_FALSE(rig_.Recover(2, /*force=*/true, {}, seconds(3)).ok());
  for (int i : {1, 3, 5}) rig_.Start(i);
  rig_.Pass(seconds(5));
  rig_.Cut(5);
  rig_.Cut(3);
  EXPECT_FALSE(rig_.Change(1, Create("b"), seconds(2)).ok()) << "n2's vote is missing";
  rig_.Mend(3);
  ASSERT_TRUE(rig_.Change(1, Create("c")).ok());
  rig_.Pass(seconds(20));
  rig_.Cut(3);
  EXPECT_TRUE(rig_.Change(1, Create("d")).ok());
  Restart(2);
  rig_.Pass(seconds(3));
  EXPECT_TRUE(rig_.Change(1, Create("e")).ok()) << "after a restart, too";
}

// The recovery goes on from what n4 has accepted as the next state: that this is decided, too, ends nothing.
TEST_F(ClusterRecoveryTest, P32TheStateThatARecoveryGoesOnFromDoesNotGiveTheVoteBack) {
  const ClusterState next = Successor(*Create("x")(rig_.state(4)), 7);
  ASSERT_TRUE(rig_.Ask(4, 1, Call(4, StateAsk::kPrepare, 50, 1)).ok());
  ASSERT_TRUE(rig_.Ask(4, 1, Call(4, StateAsk::kAccept, 50, 1, next.Encode())).ok());
  BeginAtN2Alone();
  ASSERT_TRUE(rig_.Ask(2, 1, Call(2, StateAsk::kLearn, 0, 0, next.Encode())).ok());
  ASSERT_EQ(rig_.state(2), next);
  for (const char* when : {"now", "after a restart"}) {
    EXPECT_EQ(rig_.Ask(2, 4, Call(2, StateAsk::kPrepare, 99, 4)).status().code(), absl::StatusCode::kFailedPrecondition)
        << when;
    Restart(2);
  }
}

TEST_F(ClusterRecoveryTest, P32WhoCouldNotWriteWhatItWasToldTakesOverWhenItIsToldAgain) {
  rig_.lose = [this](int, int to, ControlKind kind, const StateCall& call) {
    if (kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kLearn) {
      rig_.engine(4).commit_error = absl::ResourceExhaustedError("disk full");
    }
    return false;
  };
  const auto done = rig_.Recover(2, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(done->unconfirmed, ::testing::ElementsAre("n4"));
  EXPECT_EQ(Stored(4).cluster, old());
  rig_.engine(4).commit_error = absl::OkStatus();
  EXPECT_EQ(rig_.AskRecovery(4, 5, Call(4, StateAsk::kPrepare, 99, 5))->verdict, SurvivorVerdict::kRefused)
      << "what it was told may be in its store";
  const auto again = rig_.AskRecovery(4, 2, Call(4, StateAsk::kLearn, 0, 0, Stored(2).Encode()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->verdict, SurvivorVerdict::kGranted);
  EXPECT_EQ(Stored(4).cluster, done->plan.cluster);
}

TEST_F(ClusterRecoveryTest, P32WhoHasPromisedAnotherAttemptSinceIsToldTooLate) {
  const std::string first = RecoveryOf({MemberId(2), MemberId(4)}, 5);
  const std::string second = RecoveryOf({MemberId(4), MemberId(5)}, 6);
  const StateCall late = Call(4, StateAsk::kLearn, 0, 0, first);
  const auto verdict = [&](int from, const StateCall& call) {
    const auto answer = rig_.AskRecovery(4, from, call);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->verdict : SurvivorVerdict::kTold;
  };
  ASSERT_EQ(verdict(2, Call(4, StateAsk::kPrepare, 1, 2)), SurvivorVerdict::kGranted);
  ASSERT_EQ(verdict(2, Call(4, StateAsk::kAccept, 1, 2, first)), SurvivorVerdict::kGranted);
  ASSERT_EQ(verdict(5, Call(4, StateAsk::kPrepare, 2, 5)), SurvivorVerdict::kGranted);
  EXPECT_EQ(verdict(2, late), SurvivorVerdict::kRefused) << "the other attempt may be for other survivors";
  ASSERT_EQ(verdict(5, Call(4, StateAsk::kAccept, 2, 5, second)), SurvivorVerdict::kGranted);
  EXPECT_EQ(verdict(2, late), SurvivorVerdict::kRefused) << "it has accepted another one since";
  EXPECT_EQ(Stored(4).cluster, old());
  EXPECT_EQ(verdict(5, Call(4, StateAsk::kLearn, 0, 0, second)), SurvivorVerdict::kGranted);
  EXPECT_EQ(Stored(4).Encode(), second);
}

// What it voted for may be decided by that, and the new state lacks it.
TEST_F(ClusterRecoveryTest, P32WhoHasVotedInTheOldClusterSinceItPromisedAcceptsNothing) {
  const std::string next = Successor(*Create("x")(rig_.state(4)), 7).Encode();
  const StateCall accept = Call(4, StateAsk::kAccept, 1, 2, RecoveryOf({MemberId(2), MemberId(4)}, 5));
  ASSERT_EQ(rig_.AskRecovery(4, 2, Call(4, StateAsk::kPrepare, 1, 2))->verdict, SurvivorVerdict::kGranted);
  ASSERT_EQ(rig_.Ask(4, 1, Call(4, StateAsk::kAccept, 50, 1, next))->verdict, StateVerdict::kGranted);
  EXPECT_EQ(rig_.AskRecovery(4, 2, accept)->verdict, SurvivorVerdict::kRefused);
}

TEST_F(ClusterRecoveryTest, P32WhoIsRefusedAsItTellsTheOthersHasThemAcceptItAnew) {
  int told = 0;
  rig_.lose = [&](int, int to, ControlKind kind, const StateCall& call) {
    if (kind != ControlKind::kRecover || to != 4 || call.ask != StateAsk::kLearn || told++ > 0) return false;
    rig_.keeper(4).recovery_service().Serve(MemberId(5), Call(4, StateAsk::kPrepare, 99, 5).Encode(), {},
                                            [](const absl::StatusOr<std::string>&) {});
    return false;
  };
  const auto done = rig_.Recover(2, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(done->unconfirmed, ::testing::IsEmpty());
  EXPECT_EQ(told, 2);
  EXPECT_EQ(Stored(2).cluster, done->plan.cluster);
  EXPECT_EQ(Stored(4).cluster, done->plan.cluster);
}

// Both survivors have accepted, nobody has taken over, and two of the lost ones come back.
TEST_F(ClusterRecoveryTest, P32WhoComesBackIsTakenIntoARecoveryThatWasBegunWithoutIt) {
  rig_.note_gained = false;
  EXPECT_FALSE(rig_.Recover(2, /*force=*/true, {}, seconds(4)).ok());
  rig_.note_gained = true;
  Restart(2);
  Restart(4);
  rig_.Start(1);
  rig_.Start(3);
  rig_.Pass(seconds(3));
  EXPECT_FALSE(rig_.Change(1, Create("b"), seconds(2)).ok()) << "n2 and n4 don't vote, n5 is gone";
  const auto done = rig_.Recover(1, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(done->plan.begun);
  for (int i : {1, 2, 3, 4}) {
    EXPECT_EQ(Stored(i).cluster, done->plan.cluster) << i;
    Restart(i);
  }
  rig_.Start(5);
  rig_.Pass(seconds(3));
  EXPECT_TRUE(rig_.Change(3, Create("c")).ok());
  EXPECT_THAT(rig_.given_up[5], HasSubstr("was given up"));
}

TEST_F(ClusterRecoveryTest, P32OneThatCameToNothingStandsInNobodysWay) {
  BeginAtN2Alone();
  for (int i : {1, 3, 5}) rig_.Start(i);
  rig_.Pass(seconds(5));
  ASSERT_TRUE(rig_.Change(1, Create("b")).ok());
  rig_.Pass(seconds(20));
  for (int i : {1, 3, 4}) rig_.Stop(i);
  const auto done = rig_.Recover(2, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  for (int i : {2, 5}) {
    EXPECT_EQ(Stored(i).cluster, done->plan.cluster) << i;
    EXPECT_NE(Stored(i).FindBucket("b"), nullptr) << i;
  }
}

// n4 goes for ever before it has accepted, and n5 comes back.
TEST_F(ClusterRecoveryTest, P32WithOneOfItsSurvivorsGoneTheOthersAreNamed) {
  BeginAtN2Alone();
  rig_.Stop(4);
  rig_.Start(5);
  rig_.Pass(seconds(3));
  const absl::Status refused = rig_.Recover(2, /*force=*/true).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("n4 may go by it: start n4"));
  const auto done = rig_.Recover(2, /*force=*/true, {"n2", "n5"});
  ASSERT_TRUE(done.ok()) << done.status();
  for (int i : {2, 5}) {
    EXPECT_EQ(Stored(i).cluster, done->plan.cluster) << i;
    Restart(i);
  }
  rig_.Start(4);
  rig_.Pass(seconds(3));
  EXPECT_EQ(rig_.state(4).cluster, old());
  EXPECT_THAT(rig_.given_up[4], HasSubstr("was given up"));
}

TEST_F(ClusterRecoveryTest, P32ARecoveryThatIsUnderWayEndsWhenTheClusterDecides) {
  bool lose = true;
  rig_.lose = [&lose](int, int to, ControlKind kind, const StateCall& call) {
    return lose && kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kAccept;
  };
  const auto recovered = rig_.BeginRecover(2, /*force=*/true, {}, seconds(20));
  rig_.Pass(seconds(1));
  for (int i : {1, 3, 5}) rig_.Start(i);
  rig_.Pass(seconds(3));
  ASSERT_TRUE(rig_.Change(1, Create("b")).ok());
  lose = false;
  for (int turn = 0; turn < 400; ++turn) rig_.Pass(milliseconds(50));
  ASSERT_TRUE(recovered->has_value());
  EXPECT_EQ((*recovered)->status().code(), absl::StatusCode::kFailedPrecondition) << (*recovered)->status();
  for (int i : {2, 4}) EXPECT_EQ(Stored(i).cluster, old()) << i;
}

// n2 has taken over; n4 has accepted and was never told. It takes over when it meets n2.
TEST_F(ClusterRecoveryTest, P32WhoWasNotToldTakesOverByMeetingTheOthers) {
  rig_.lose = [](int, int to, ControlKind kind, const StateCall& call) {
    return kind == ControlKind::kRecover && to == 4 && call.ask == StateAsk::kLearn;
  };
  const auto done = rig_.Recover(2, /*force=*/true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(done->unconfirmed, ::testing::ElementsAre("n4"));
  EXPECT_EQ(Stored(2).cluster, done->plan.cluster);
  EXPECT_EQ(Stored(4).cluster, old());
  Restart(4);
  Restart(2);
  rig_.Pass(seconds(5));
  EXPECT_EQ(Stored(4).cluster, done->plan.cluster);
  EXPECT_TRUE(rig_.to_restart.contains(4));
  Restart(4);
  rig_.Pass(seconds(3));
  EXPECT_TRUE(rig_.Change(4, Create("b")).ok());
}

TEST_F(ClusterRecoveryTest, P32OfTwoOperatorsWithTheSameSurvivorsBothEndWithOneCluster) {
  for (int lead = 0; lead < 5; ++lead) {
    StateRig rig(5);
    rig.StartAll();
    rig.Pass(seconds(3));
    for (int i : {1, 3, 5}) rig.Stop(i);
    const auto first = rig.BeginRecover(2, true);
    if (lead > 0) rig.Pass(milliseconds(lead));
    const auto second = rig.BeginRecover(4, true);
    for (int turn = 0; turn < 200; ++turn) rig.Pass(milliseconds(50));
    std::set<ClusterId> clusters;
    for (int i : {2, 4}) {
      clusters.insert(LoadState(rig.engine(i), rig.initial(), MemberId(static_cast<uint32_t>(i)))->state.cluster);
    }
    EXPECT_EQ(clusters.size(), 1u) << lead;
    EXPECT_FALSE(clusters.contains(rig.initial().cluster)) << lead;
    ASSERT_TRUE(first->has_value() && second->has_value());
    EXPECT_TRUE((*first)->ok() || (*second)->ok()) << (*first)->status() << (*second)->status();
  }
}

// n2 and n5 see n4, but not each other: n4 goes with one of them, never with both.
TEST_F(ClusterRecoveryTest, P32OverlappingSurvivorsNeverMakeTwoClustersThatShareAMember) {
  rig_.Start(5);
  rig_.Pass(seconds(3));
  rig_.lose = [](int from, int to, ControlKind, const StateCall&) { return from + to == 7; };
  const auto first = rig_.BeginRecover(2, true, {}, seconds(4));
  const auto second = rig_.BeginRecover(5, true, {}, seconds(4));
  for (int turn = 0; turn < 200; ++turn) rig_.Pass(milliseconds(50));
  ASSERT_TRUE(first->has_value() && second->has_value());
  EXPECT_NE((*first)->ok(), (*second)->ok()) << (*first)->status() << "; " << (*second)->status();
  const ClusterId of_n4 = Stored(4).cluster;
  EXPECT_NE(of_n4, old());
  EXPECT_EQ(Stored(2).cluster, (*first)->ok() ? of_n4 : old());
  EXPECT_EQ(Stored(5).cluster, (*second)->ok() ? of_n4 : old());
}

}  // namespace
}  // namespace henge::state_test
