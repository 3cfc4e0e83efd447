#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

const Object kHedged = MakeObject({{.store = 2, .counter = 2, .value = "v"}});

class Hedge : public testing::Test {
 protected:
  explicit Hedge(CoordinatorOptions options = {}) : rig_(3, options) { rig_.local.records["k"] = kHedged; }

  // One get whose first peer never answers and whose hedge is answered; returns the silent peer.
  uint32_t GetAroundSilence() {
    auto reply = rig_.Send(Get());
    const uint32_t silent = rig_.transport.sent.back().to.value();
    rig_.loop.Pass(milliseconds(25));
    const auto open = rig_.transport.Open<ReadRequest>(MemberId(5 - silent));
    if (open.empty()) return 0;
    rig_.transport.Answer(open.back(), Same());
    EXPECT_TRUE(reply->has_value());
    return silent;
  }
  // A get that is answered by `other` alone, without time passing.
  void GetFrom(uint32_t other) {
    auto reply = rig_.Send(Get());
    const auto open = rig_.transport.Open<ReadRequest>(MemberId(other));
    ASSERT_FALSE(open.empty());
    rig_.transport.Answer(open.back(), Same());
    EXPECT_TRUE(reply->has_value()) << "no hedge delay: the line stays flat when a node dies";
  }
  // Gets until a peer is disqualified; returns it.
  uint32_t Disqualify() {
    const uint32_t silent = GetAroundSilence();
    for (int i = 0; i < 10 && rig_.tracer.events["PeerDisqualified"] == 0; ++i) {
      GetFrom(5 - silent);
      rig_.loop.Pass(milliseconds(20));
    }
    EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 1);
    return silent;
  }

  Rig rig_;
};

TEST_F(Hedge, AsksAnotherOwnerWhenTheFirstIsLate) {
  auto reply = rig_.Send(Get());
  const uint32_t first = rig_.ReadPeer();
  rig_.loop.Pass(milliseconds(19));
  EXPECT_EQ(rig_.transport.sent.size(), 1u);
  rig_.loop.Pass(milliseconds(1));
  ASSERT_EQ(rig_.transport.sent.size(), 2u);
  EXPECT_EQ(rig_.transport.sent[1].to, MemberId(5 - first));
  EXPECT_EQ(rig_.coordinator->figures().hedges, 1u);
  rig_.AnswerRead(5 - first, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("v"));
}

TEST_F(Hedge, ALateAnswerToAFinishedReadStillRepairsTheReplicaThatWasBehind) {
  auto reply = rig_.Send(Get());
  const uint32_t first = rig_.ReadPeer();
  rig_.loop.Pass(milliseconds(20));
  rig_.AnswerRead(5 - first, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ(rig_.transport.Count<MergeRequest>(), 0);
  rig_.AnswerRead(first, Absent());
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(first)), 1);
  EXPECT_EQ(rig_.transport.Count<MergeRequest>(), 1);
}

TEST_F(Hedge, ALateAnswerThatKnowsMoreIsSpreadToThoseWhoAnsweredBefore) {
  rig_.Send(Get());
  const uint32_t first = rig_.ReadPeer();
  rig_.loop.Pass(milliseconds(20));
  rig_.AnswerRead(5 - first, Same());
  const Object newer = MakeObject({{.store = 2, .counter = 3, .value = "newer"}});
  rig_.AnswerRead(first, Found(newer));
  EXPECT_EQ(rig_.local.records["k"], newer);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(5 - first)), 1);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(first)), 0) << "who has it needs no repair";
}

class HedgeOnABudget : public Hedge {
 protected:
  HedgeOnABudget() : Hedge({.hedge_share = 0, .strikes_to_disqualify = 1000}) {}
};

TEST_F(HedgeOnABudget, HedgesNoMoreThanTheBudgetAllows) {
  for (int i = 0; i < 60; ++i) {
    rig_.Send(Get());
    rig_.loop.Pass(milliseconds(25));
  }
  EXPECT_EQ(rig_.coordinator->figures().hedges, 20u) << "the burst, and no share";
}

TEST_F(Hedge, AfterTheFirstStrikeNoReadWaitsForTheSilentReplica) {
  const uint32_t silent = GetAroundSilence();
  for (int i = 0; i < 50; ++i) {
    GetFrom(5 - silent);
    rig_.loop.Pass(milliseconds(7));
  }
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 1) << "by the silence of probes alone";
  EXPECT_EQ(rig_.coordinator->figures().hedges, 1u);
}

TEST_F(Hedge, AReplicaThatWasLateOnceAndAnswersItsProbeIsAskedAgain) {
  const uint32_t late = GetAroundSilence();
  rig_.loop.Pass(milliseconds(20));
  GetFrom(5 - late);
  const auto probe = rig_.transport.Open<ReadRequest>(MemberId(late));
  ASSERT_EQ(probe.size(), 2u) << "the read that was late, and the probe";
  rig_.transport.Answer(probe.back(), Same());
  rig_.loop.Pass(milliseconds(100));
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 0);
  const size_t before = rig_.transport.sent.size();
  GetFrom(late);
  EXPECT_EQ(rig_.transport.sent.size(), before + 1) << "and nobody is probed any more";
}

TEST_F(Hedge, P39ADisqualifiedReplicaIsProbedHalfOpenAndComesBack) {
  const uint32_t silent = Disqualify();
  rig_.loop.Pass(milliseconds(200));
  const int before = rig_.transport.CountTo<ReadRequest>(MemberId(silent));
  auto reply = rig_.Send(Get());
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(silent)), before + 1) << "the probe goes along";
  rig_.Send(Get());
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(silent)), before + 1) << "one an interval";
  rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(5 - silent)).front(), Same());
  EXPECT_TRUE(reply->has_value()) << "the read doesn't wait for the probe";
  rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(silent)).back(), Found(kHedged));
  EXPECT_EQ(rig_.tracer.events["PeerQualified"], 1);
}

TEST_F(Hedge, P39IfAllOthersAreDisqualifiedNoneIs) {
  // Nobody answers: both collect strikes.
  for (int i = 0; i < 4; ++i) {
    rig_.Send(Get());
    rig_.loop.Pass(milliseconds(60));
  }
  ASSERT_EQ(rig_.tracer.events["PeerDisqualified"], 2);
  auto reply = rig_.Send(Get());
  const auto& last = rig_.transport.sent.back();
  ASSERT_TRUE(std::holds_alternative<ReadRequest>(last.request));
  rig_.transport.Answer(rig_.transport.sent.size() - 1, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
}

class HedgeWithoutBudget : public Hedge {
 protected:
  HedgeWithoutBudget() : Hedge({.hedge_share = 0}) {}
};

TEST_F(HedgeWithoutBudget, HedgesAroundADisqualifiedReplicaAreFree) {
  for (int i = 0; i < 100; ++i) rig_.Send(Get());
  const MemberId silent = rig_.transport.sent[0].to;
  const MemberId other{5 - silent.value()};
  rig_.loop.Pass(milliseconds(20));
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(other), 20) << "the burst, and no share";
  for (size_t open : rig_.transport.Open<ReadRequest>(other)) rig_.transport.Answer(open, Same());
  // Nothing but silent probes disqualifies it.
  int reads = 0;
  for (; reads < 10 && rig_.tracer.events["PeerDisqualified"] == 0; ++reads) {
    rig_.loop.Pass(milliseconds(1));
    GetFrom(other.value());
    rig_.loop.Pass(milliseconds(20));
  }
  ASSERT_EQ(rig_.tracer.events["PeerDisqualified"], 1);
  rig_.loop.Pass(milliseconds(20));
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(other), 100 + reads) << "all that wait for it are hedged at last";
}

TEST_F(Hedge, H46AProcessThatWasPausedBlamesNobodyBeforeItHasLookedAtWhatCameIn) {
  for (int i = 0; i < 5; ++i) {
    auto reply = rig_.Send(Get());
    auto& sent = rig_.transport.sent.back();
    // More came in than one turn takes, with the answer at the end of it.
    for (int j = 0; j < 1500; ++j) rig_.loop.Post([] {});
    rig_.loop.Post([done = std::exchange(sent.done, nullptr)]() mutable { done(PeerReply(Same())); });
    rig_.loop.PauseFor(std::chrono::seconds(3));
    EXPECT_TRUE(reply->has_value());
  }
  EXPECT_EQ(rig_.coordinator->figures().hedges, 0u);
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 0);
}

}  // namespace
}  // namespace henge::coordinator_test
