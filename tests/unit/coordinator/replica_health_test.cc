#include "coordinator/replica_health.h"

#include <gtest/gtest.h>

#include <vector>

namespace henge {
namespace {

using std::chrono::milliseconds;

constexpr MemberId kA{2};
constexpr MemberId kB{3};
const MonotonicTime kStart{std::chrono::hours(1)};

MonotonicTime At(int ms) { return kStart + milliseconds(ms); }

void Answer(ReplicaHealth& health, MemberId member, int times, Duration latency) {
  for (int i = 0; i < times; ++i) health.OnAnswer(member, latency);
}

TEST(ReplicaHealth, HedgesAfterTheInitialDelayUntilThePercentileIsKnown) {
  ReplicaHealth health({});
  EXPECT_EQ(health.HedgeDelay(kA), milliseconds(20));
  Answer(health, kA, LatencyWindow::kSamplesMin - 1, milliseconds(5));
  EXPECT_EQ(health.HedgeDelay(kA), milliseconds(20));
  Answer(health, kA, 1, milliseconds(5));
  EXPECT_EQ(health.HedgeDelay(kA), milliseconds(5));
  EXPECT_EQ(health.HedgeDelay(kB), milliseconds(20)) << "each replica has a percentile of its own";
}

TEST(ReplicaHealth, TheHedgeDelayIsThe95thPercentileAndNeverBelowTheMinimum) {
  ReplicaHealth health({});
  for (int i = 1; i <= 100; ++i) health.OnAnswer(kA, milliseconds(i));
  // The last refresh was at 96 samples: the 92nd of them.
  EXPECT_EQ(health.HedgeDelay(kA), milliseconds(92));
  Answer(health, kB, 64, std::chrono::microseconds(30));
  EXPECT_EQ(health.HedgeDelay(kB), milliseconds(1));
}

TEST(ReplicaHealth, ARunOfStrikesDisqualifiesAtOnce) {
  ReplicaHealth health({});
  EXPECT_FALSE(health.OnStrike(kA, At(0), At(20)));
  EXPECT_FALSE(health.OnStrike(kA, At(20), At(40)));
  EXPECT_FALSE(health.Disqualified(kA));
  EXPECT_TRUE(health.OnStrike(kA, At(40), At(60)));
  EXPECT_TRUE(health.Disqualified(kA));
  EXPECT_TRUE(health.AnyAvoided());
  EXPECT_FALSE(health.Disqualified(kB));
}

TEST(ReplicaHealth, AnAnswerInTimeEndsTheRunOfStrikes) {
  ReplicaHealth health({});
  health.OnStrike(kA, At(0), At(20));
  health.OnStrike(kA, At(20), At(40));
  health.OnAnswer(kA, milliseconds(3));
  EXPECT_FALSE(health.OnStrike(kA, At(50), At(70)));
  EXPECT_FALSE(health.OnStrike(kA, At(70), At(90)));
  EXPECT_FALSE(health.Disqualified(kA));
}

TEST(ReplicaHealth, ALateAnswerDoesNotEndTheRunOfStrikes) {
  ReplicaHealth health({});
  health.OnStrike(kA, At(0), At(20));
  health.OnStrike(kA, At(20), At(40));
  health.OnAnswer(kA, milliseconds(300));
  EXPECT_TRUE(health.OnStrike(kA, At(50), At(70)));
}

TEST(ReplicaHealth, AttemptsThatWereUnderWayAtAStrikeAreNoFurtherOnes) {
  ReplicaHealth health({});
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(health.OnStrike(kA, At(i % 10), At(20)));
  EXPECT_FALSE(health.Disqualified(kA)) << "one hiccup with 50 requests in flight is one strike";
}

TEST(ReplicaHealth, ADisqualifiedReplicaIsProbedOnceAnInterval) {
  ReplicaHealth health({});
  EXPECT_FALSE(health.TakeProbe(kA, At(0)));
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_FALSE(health.TakeProbe(kA, At(100)));
  EXPECT_TRUE(health.TakeProbe(kA, At(260)));
  EXPECT_FALSE(health.TakeProbe(kA, At(261)));
  EXPECT_TRUE(health.TakeProbe(kA, At(460)));
}

TEST(ReplicaHealth, AProbeAnsweredInTimeQualifiesAgainAndALateOneDoesNot) {
  ReplicaHealth health({});
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_FALSE(health.OnAnswer(kA, milliseconds(400)));
  EXPECT_TRUE(health.Disqualified(kA));
  EXPECT_TRUE(health.OnAnswer(kA, milliseconds(8)));
  EXPECT_FALSE(health.Disqualified(kA));
  EXPECT_FALSE(health.AnyAvoided());
}

TEST(ReplicaHealth, OneStrikeIsEnoughToBeAvoidedUntilAnAnswerInTime) {
  ReplicaHealth health({});
  EXPECT_FALSE(health.AnyAvoided());
  health.OnStrike(kA, At(0), At(20));
  EXPECT_TRUE(health.Avoided(kA));
  EXPECT_FALSE(health.Avoided(kB));
  EXPECT_FALSE(health.Disqualified(kA));
  std::vector<MemberId> members = {kA, kB};
  health.OrderByPreference(members, 0);
  EXPECT_EQ(members.front(), kB);
  EXPECT_FALSE(health.TakeProbe(kA, At(21))) << "what is under way may yet be answered";
  EXPECT_TRUE(health.TakeProbe(kA, At(40)));
  EXPECT_FALSE(health.TakeProbe(kA, At(59))) << "one at a time";
  health.OnAnswer(kA, milliseconds(5));
  EXPECT_FALSE(health.Avoided(kA));
  EXPECT_FALSE(health.AnyAvoided());
}

TEST(ReplicaHealth, WritesHaveLatenciesAndStrikesOfTheirOwn) {
  using Attempt = ReplicaHealth::Attempt;
  ReplicaHealth health({});
  for (int i = 0; i < 20; ++i) health.OnAnswer(kA, milliseconds(9), Attempt::kWrite);
  EXPECT_EQ(health.HedgeDelay(kA, Attempt::kWrite), milliseconds(9));
  EXPECT_EQ(health.HedgeDelay(kA), milliseconds(20)) << "a write says nothing about reads";
  health.OnStrike(kA, At(0), At(20));
  health.OnAnswer(kA, milliseconds(9), Attempt::kWrite);
  EXPECT_TRUE(health.Avoided(kA)) << "the read is still missing";
  health.OnStrike(kA, At(0), At(20), Attempt::kWrite);
  health.OnAnswer(kA, milliseconds(5));
  EXPECT_TRUE(health.Avoided(kA)) << "the write is";
  health.OnAnswer(kA, milliseconds(9), Attempt::kWrite);
  EXPECT_FALSE(health.Avoided(kA));
}

TEST(ReplicaHealth, AVerdictOfAnotherShardCountsLikeAnOwnOne) {
  ReplicaHealth health({});
  health.OnVerdict(kA, /*disqualified=*/true, At(0));
  EXPECT_TRUE(health.Disqualified(kA));
  EXPECT_TRUE(health.AnyAvoided());
  EXPECT_FALSE(health.TakeProbe(kA, At(100)));
  EXPECT_TRUE(health.TakeProbe(kA, At(200)));
  health.OnVerdict(kA, /*disqualified=*/false, At(300));
  EXPECT_FALSE(health.Avoided(kA));
  health.OnVerdict(kB, /*disqualified=*/false, At(300));
  EXPECT_FALSE(health.AnyAvoided()) << "what is said twice is counted once";
}

TEST(ReplicaHealth, P39OneThatIsDisqualifiedAndWasNotHeardOfForAsLongAsARequestWaitsIsSilent) {
  ReplicaHealth health({});
  for (int i = 0; i < 2; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_FALSE(health.Silent(kA, At(300))) << "not disqualified";
  health.OnStrike(kA, At(40), At(60));
  EXPECT_FALSE(health.Silent(kA, At(99)));
  EXPECT_TRUE(health.Silent(kA, At(100))) << "from when the first of them was sent";
  EXPECT_FALSE(health.Silent(kB, At(100)));
}

TEST(ReplicaHealth, SilenceIsAsOldAsTheLastAttemptAndEndsUnlessProbesRenewIt) {
  ReplicaHealth health({});
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_TRUE(health.Silent(kA, At(480)));
  EXPECT_FALSE(health.Silent(kA, At(481))) << "nobody has asked it for two probe intervals";
  EXPECT_FALSE(health.OnStrike(kA, At(460), At(482))) << "disqualified once";
  EXPECT_TRUE(health.Silent(kA, At(800)));
}

TEST(ReplicaHealth, AfterAPauseOneHiccupIsNoSilence) {
  ReplicaHealth health({});
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_TRUE(health.Silent(kA, At(100)));
  constexpr int kLater = 3600 * 1000;
  health.OnStrike(kA, At(kLater), At(kLater + 20));
  EXPECT_FALSE(health.Silent(kA, At(kLater + 20))) << "nobody asked it in between";
  health.OnStrike(kA, At(kLater + 30), At(kLater + 50));
  EXPECT_FALSE(health.Silent(kA, At(kLater + 99)));
  EXPECT_TRUE(health.Silent(kA, At(kLater + 100)));
}

TEST(ReplicaHealth, WhoSaysAnythingAtAllIsNotSilent) {
  ReplicaHealth health({});
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  health.OnHeard(kA, At(150));
  EXPECT_FALSE(health.Silent(kA, At(150)));
  EXPECT_TRUE(health.Disqualified(kA)) << "a late answer or an error qualifies nobody";
  health.OnStrike(kA, At(140), At(160));
  EXPECT_FALSE(health.Silent(kA, At(290))) << "sent before it was heard of";
  health.OnStrike(kA, At(170), At(190));
  EXPECT_FALSE(health.Silent(kA, At(269)));
  EXPECT_TRUE(health.Silent(kA, At(270)));
  health.OnAnswer(kA, milliseconds(5));
  EXPECT_FALSE(health.Silent(kA, At(270))) << "qualified again";
}

TEST(ReplicaHealth, WhomAnotherShardHasHeardIsNotSilent) {
  ReplicaHealth health({});
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  EXPECT_TRUE(health.Silent(kA, At(150)));
  health.OnVerdict(kA, false, At(150));
  health.OnVerdict(kA, true, At(160));
  EXPECT_FALSE(health.Silent(kA, At(170)));
  health.OnStrike(kA, At(140), At(180));
  EXPECT_FALSE(health.Silent(kA, At(270))) << "sent before it was heard of";
}

TEST(ReplicaHealth, ASlowReplicaIsGivenTwiceItsPercentileBeforeItIsSilent) {
  ReplicaHealth health({});
  Answer(health, kA, 16, milliseconds(200));
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(200 * i), At(200 * i + 200));
  EXPECT_TRUE(health.Disqualified(kA));
  for (int i = 0; i < 3; ++i) health.OnStrike(kB, At(20 * i), At(20 * i + 20));
  EXPECT_TRUE(health.Silent(kB, At(399)));
  EXPECT_FALSE(health.Silent(kA, At(399)));
  EXPECT_TRUE(health.Silent(kA, At(600)));
}

TEST(ReplicaHealth, QualifiedReplicasComeFirstThenFastOnes) {
  ReplicaHealth health({});
  constexpr MemberId kSlow{4};
  Answer(health, kA, 20, milliseconds(1));
  Answer(health, kB, 20, milliseconds(4));
  Answer(health, kSlow, 20, milliseconds(30));
  std::vector<MemberId> members = {kSlow, kB, kA};
  health.OrderByPreference(members, 0);
  EXPECT_EQ(members, (std::vector<MemberId>{kA, kB, kSlow}));
  for (int i = 0; i < 3; ++i) health.OnStrike(kA, At(20 * i), At(20 * i + 20));
  health.OrderByPreference(members, 0);
  EXPECT_EQ(members, (std::vector<MemberId>{kB, kSlow, kA}));
}

TEST(ReplicaHealth, EqualReplicasShareTheLoadByRotation) {
  ReplicaHealth health({});
  Answer(health, kA, 20, std::chrono::microseconds(600));
  Answer(health, kB, 20, std::chrono::microseconds(900));
  std::vector<MemberId> members = {kA, kB};
  health.OrderByPreference(members, 1);
  EXPECT_EQ(members.front(), kB);
  members = {kA, kB};
  health.OrderByPreference(members, 2);
  EXPECT_EQ(members.front(), kA);
}

}  // namespace
}  // namespace henge
