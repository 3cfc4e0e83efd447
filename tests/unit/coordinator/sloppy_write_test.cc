// Sloppy writes on an owner: fallbacks stand in for owners that don't answer (P10, P16, P17, P37, P39).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/sloppy_rig.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string Text(const ClientReply& reply) { return std::string(reply.status.message()); }

class SloppyWrite : public SloppyRig {};

TEST_F(SloppyWrite, WhoseOwnersAnswerAsksNoFallback) {
  auto reply = rig_.Send(Put("v", key_));
  rig_.Ack(a_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.primaries, 2u);
  EXPECT_EQ((*reply)->facts.fallbacks, 0u);
  EXPECT_TRUE((*reply)->facts.fallback_available);
  rig_.Ack(b_);
  EXPECT_EQ(rig_.transport.sent.size(), 2u);
  EXPECT_FALSE(rig_.loop.has_timers()) << "nothing lingers once every owner has its copy";
}

TEST_F(SloppyWrite, P10ASilentOwnerIsJoinedAtItsHedgeTimeByTheNextFallback) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.loop.Pass(milliseconds(19));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0);
  rig_.loop.Pass(milliseconds(1));
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 1);
  const auto& hint = std::get<HintRequest>(rig_.transport.sent.back().request);
  EXPECT_EQ(hint.target, MemberId(b_));
  EXPECT_EQ(hint.needed, 3u);
  EXPECT_EQ(hint.object, rig_.local.records[key_].Encode()) << "the whole record";
  ASSERT_TRUE(hint.minter.has_value());
  EXPECT_FALSE(reply->has_value()) << "asked is not stored";
  rig_.AckHint(f_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.primaries, 2u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
  EXPECT_EQ((*reply)->facts.durable, 3u);
  EXPECT_EQ(rig_.coordinator->figures().hints_sent, 1u);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(SloppyWrite, TheSecondWriteAfterAnOwnerFellSilentWaitsForNobody) {
  auto first = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.loop.Pass(milliseconds(20));
  rig_.AckHint(f_);
  ASSERT_TRUE(first->has_value());
  for (int i = 0; i < 20; ++i) {
    auto later = rig_.Send(With(Put("v", key_), 3));
    ASSERT_EQ(rig_.transport.Open<HintRequest>(MemberId(f_)).size(), 1u) << "no hedge delay, write " << i;
    rig_.Ack(a_);
    rig_.AckHint(f_);
    ASSERT_TRUE(later->has_value()) << "write " << i;
    rig_.loop.Pass(milliseconds(30));
  }
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 1);
}

TEST_F(SloppyWrite, AnOwnerThatAnswersAgainNeedsNoFallbackAnyMore) {
  rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.loop.Pass(milliseconds(20));
  rig_.AckHint(f_);
  auto second = rig_.Send(With(Put("v", key_), 3));
  const int before = rig_.transport.Count<HintRequest>();
  rig_.transport.Answer(rig_.transport.Open<MergeRequest>(MemberId(b_)).back(), MergeReply{2});
  rig_.Ack(a_);
  ASSERT_TRUE(second->has_value());
  auto third = rig_.Send(With(Put("v", key_), 3));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), before);
}

TEST_F(SloppyWrite, P10AnOwnerThatAcksLateBesideItsFallbackCountsForItself) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.loop.Pass(milliseconds(20));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 2) << "one for each silent owner";
  rig_.AckHint(f_);
  EXPECT_FALSE(reply->has_value());
  const auto& hint = std::get<HintRequest>(rig_.transport.sent[2].request);
  // The owner for whom the hint is.
  rig_.Ack(hint.target.value());
  ASSERT_TRUE(reply->has_value()) << "this node, the fallback, and the owner itself are three nodes";
  EXPECT_EQ((*reply)->facts.primaries, 2u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
}

TEST_F(SloppyWrite, P10ARepeatedAckOfOneFallbackCountsOnce) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.AnswerMerge(a_, absl::UnavailableError("connection refused"));
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  rig_.AckHint(f_);
  EXPECT_FALSE(reply->has_value());
  rig_.AckHint(g_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.primaries, 1u);
  EXPECT_EQ((*reply)->facts.fallbacks, 2u);
  const auto& first = std::get<HintRequest>(rig_.transport.sent[2].request);
  const auto& second = std::get<HintRequest>(rig_.transport.sent[3].request);
  EXPECT_NE(first.target, second.target) << "each stands in for one owner";
}

TEST_F(SloppyWrite, BothOtherOwnersSilentAreJoinedByTwoFallbacks) {
  auto reply = rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(20));
  rig_.AckHint(f_);
  ASSERT_TRUE(reply->has_value()) << "W = 2: this node and a fallback";
  EXPECT_EQ((*reply)->facts.primaries, 1u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
  rig_.AckHint(g_);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(SloppyWrite, AnOwnerHeldDeadIsJoinedAtOnceAndNotAsked) {
  rig_.HoldDead({b_});
  auto reply = rig_.Send(With(Put("v", key_), 3));
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(b_)), 0);
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 1);
  rig_.Ack(a_);
  rig_.AckHint(f_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
}

TEST_F(SloppyWrite, LiveFallbacksComeBeforeThoseHeldDead) {
  rig_.HoldDead({b_, f_});
  rig_.Send(With(Put("v", key_), 3));
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(g_)), 1);
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 0);
}

TEST_F(SloppyWrite, P37AnOwnerWithAFullDiskIsJoinedAtOnce) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.AnswerMerge(b_, absl::ResourceExhaustedError("disk full"));
  rig_.AckHint(f_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
}

TEST_F(SloppyWrite, P37AnOwnerWhoseOwnDiskIsFullSendsTheWriteToAnotherOwner) {
  rig_.local.admit_put = absl::ResourceExhaustedError("disk full");
  auto reply = rig_.Send(Put("v", key_));
  EXPECT_FALSE(reply->has_value());
  ASSERT_EQ(rig_.transport.Count<ForwardRequest>(), 1);
  const auto& sent = rig_.transport.sent[0];
  EXPECT_TRUE(sent.to == MemberId(a_) || sent.to == MemberId(b_));
  ClientReply applied;
  applied.facts.needed = 2;
  rig_.transport.Answer(0, ForwardReply{applied});
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  auto strict = rig_.Send(With(Put("v", key_), 2, QuorumMode::kStrict));
  ASSERT_TRUE(strict->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted((*strict)->status));
}

TEST(SloppyWriteAlone, P37TheOnlyMemberSaysWhyItTakesNoWrite) {
  Rig rig(1, {}, Rig::Hints::kHere);
  rig.local.admit_put = absl::ResourceExhaustedError("disk full");
  auto refused = rig.Send(Put("v"));
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status)) << (*refused)->status;
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
}

TEST_F(SloppyWrite, P17AFullFallbackIsReplacedByTheNextAndAtLastTheWriteIsUnavailable) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  rig_.AnswerHint(f_, absl::ResourceExhaustedError("no room for a hint"));
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(g_)), 1);
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerHint(g_, absl::ResourceExhaustedError("no room for a hint"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
  EXPECT_THAT(Text(**reply), HasSubstr("2 of 3 needed copies are durable"));
  EXPECT_THAT(Text(**reply), HasSubstr("connection refused"));
  EXPECT_THAT(Text(**reply), HasSubstr("no room for a hint"));
  EXPECT_THAT(Text(**reply), HasSubstr(" for n"));
}

TEST_F(SloppyWrite, AnOwnerHeldDeadIsAskedAtLastWhenNoFallbackHasRoom) {
  rig_.HoldDead({b_});
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.AnswerHint(f_, absl::ResourceExhaustedError("no room for a hint"));
  rig_.AnswerHint(g_, absl::ResourceExhaustedError("no room for a hint"));
  EXPECT_FALSE(reply->has_value());
  rig_.Ack(b_);
  ASSERT_TRUE(reply->has_value()) << "what gossip says is an opinion";
  EXPECT_EQ((*reply)->facts.primaries, 3u);
}

TEST_F(SloppyWrite, TheThirdCopyIsHintedAfterTheAck) {
  auto reply = rig_.Send(Put("v", key_));
  rig_.Ack(a_);
  ASSERT_TRUE(reply->has_value()) << "W owners have answered: nobody waits for the third";
  EXPECT_EQ((*reply)->facts.fallbacks, 0u);
  rig_.loop.Pass(milliseconds(59));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0) << "late is not lost";
  rig_.loop.Pass(milliseconds(1));
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 1);
  EXPECT_EQ(std::get<HintRequest>(rig_.transport.sent.back().request).target, MemberId(b_));
  rig_.AckHint(f_);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(SloppyWrite, AThirdOwnerThatFailsAfterTheAckIsHintedAtOnce) {
  rig_.Send(Put("v", key_));
  rig_.Ack(a_);
  rig_.AnswerMerge(b_, absl::UnavailableError("the connection broke"));
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 1);
  rig_.AnswerHint(f_, absl::ResourceExhaustedError("no room for a hint"));
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(g_)), 1);
  rig_.AckHint(g_);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(SloppyWrite, StrictIgnoresFallbacks) {
  rig_.HoldDead({b_});
  auto reply = rig_.Send(With(Put("v", key_), 3, QuorumMode::kStrict));
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(b_)), 1) << "an opinion is no reason not to ask";
  rig_.Ack(a_);
  rig_.loop.Pass(milliseconds(99));
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ((*reply)->facts.durable, 2u);
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0);
}

TEST_F(SloppyWrite, WhereWCantBeReachedSaysSoOnceEverybodyWasAskedAndHadItsTime) {
  rig_.HoldDead({a_, b_, f_, g_});
  auto reply = rig_.Send(Put("v", key_));
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(f_)), 1) << "an opinion is no reason not to ask";
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(g_)), 1);
  rig_.loop.Pass(milliseconds(20));
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(a_)), 1) << "no fallback is left";
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(b_)), 1);
  rig_.loop.Pass(milliseconds(79));
  EXPECT_FALSE(reply->has_value());
  rig_.loop.Pass(milliseconds(121));
  ASSERT_TRUE(reply->has_value()) << "long before the deadline";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown) << "P13: it is minted here, and under way elsewhere";
  EXPECT_EQ((*reply)->facts.durable, 1u);
  EXPECT_EQ((*reply)->facts.needed, 2u);
  EXPECT_THAT(Text(**reply), HasSubstr("no answer, out of reach"));
  EXPECT_FALSE(rig_.loop.has_timers());
}

// P10 counts nodes: an owner is one more beside the fallback that holds its copy.
TEST_F(SloppyWrite, WhereWIsMissingAnOwnerHeldDeadIsAskedThoughItsFallbackHasAnswered) {
  rig_.HoldDead({a_, b_, f_});
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.AckHint(g_);
  rig_.loop.Pass(milliseconds(20));
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(a_)), 1);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(b_)), 1);
  EXPECT_FALSE(reply->has_value());
  rig_.loop.Pass(milliseconds(280));
  ASSERT_TRUE(reply->has_value()) << "long before the deadline";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.durable, 2u);
}

TEST_F(SloppyWrite, AnAckThatComesBeforeAllWereGivenUpCounts) {
  rig_.HoldDead({a_, b_, f_, g_});
  auto reply = rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(105));
  EXPECT_FALSE(reply->has_value()) << "the fallbacks are given up, the owners not yet";
  rig_.AckHint(g_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
}

TEST_F(SloppyWrite, OfSilentNodesEachWriteWaitsOnlyForThePercentile) {
  for (int i = 0; i < 12; ++i) {
    rig_.Send(Put("v", key_));
    rig_.loop.Pass(milliseconds(50));
  }
  EXPECT_GE(rig_.tracer.events["PeerDisqualified"], 4);
  auto reply = rig_.Send(Put("v", key_));
  EXPECT_FALSE(reply->has_value()) << "it is tried";
  rig_.loop.Pass(milliseconds(20));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

// Their disks may stall; a probe is a read, and comes back.
TEST_F(SloppyWrite, WhoAnswersReadsIsWaitedFor) {
  const auto tick = [this] {
    rig_.loop.Pass(milliseconds(5));
    for (uint32_t member : {a_, b_, f_, g_}) {
      for (size_t open : rig_.transport.Open<ReadRequest>(MemberId(member))) rig_.transport.Answer(open, Absent());
    }
  };
  std::shared_ptr<std::optional<ClientReply>> last;
  for (int i = 0; i < 12; ++i) {
    last = rig_.Send(Put("v", key_));
    for (int t = 0; t < 10; ++t) tick();
  }
  for (int t = 0; t < 400; ++t) tick();
  ASSERT_FALSE(last->has_value()) << (*last)->status;
  rig_.transport.Answer(rig_.transport.Open<MergeRequest>(MemberId(b_)).back(), MergeReply{12});
  ASSERT_TRUE(last->has_value());
  EXPECT_TRUE((*last)->status.ok()) << (*last)->status;
}

TEST_F(SloppyWrite, StrictSaysSoOnceItsOwnersHadTheirTime) {
  rig_.HoldDead({b_});
  auto reply = rig_.Send(With(Put("v", key_), 3, QuorumMode::kStrict));
  rig_.Ack(a_);
  rig_.loop.Pass(milliseconds(120));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.durable, 2u);
}

TEST_F(SloppyWrite, ARequestThatIsWrongForEverybodyIsNotHinted) {
  rig_.Send(Put("v", key_));
  rig_.Ack(a_);
  rig_.AnswerMerge(b_, absl::FailedPreconditionError("the bucket was dropped"));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0);
}

TEST_F(SloppyWrite, P7TheBeltHoldsForHints) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  rig_.local.amnesia = true;
  rig_.AnswerHint(f_, HintReply{.minter_counter = 7});
  EXPECT_EQ(rig_.local.mints, 2) << "the hint knows more of this node than it ever minted";
  EXPECT_EQ(rig_.coordinator->figures().amnesia_events, 1u);
  EXPECT_FALSE(reply->has_value());
}

TEST_F(SloppyWrite, P7AHintThatDoesNotCoverTheVersionIsAFailure) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  rig_.Ack(a_);
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  rig_.AnswerHint(f_, HintReply{.minter_counter = 0});
  EXPECT_FALSE(reply->has_value());
  EXPECT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(g_)), 1);
}

TEST_F(SloppyWrite, H46APausedProcessJoinsNobodyBeforeItHasLookedAtWhatCameIn) {
  auto reply = rig_.Send(With(Put("v", key_), 3));
  for (uint32_t owner : {a_, b_}) {
    for (int j = 0; j < 800; ++j) rig_.loop.Post([] {});
    auto& sent = rig_.transport.sent[rig_.transport.Open<MergeRequest>(MemberId(owner))[0]];
    rig_.loop.Post([done = std::exchange(sent.done, nullptr)]() mutable { done(PeerReply(MergeReply{1})); });
  }
  rig_.loop.PauseFor(std::chrono::seconds(3));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0);
}

class SloppyWriteOnABudget : public SloppyRig {
 protected:
  SloppyWriteOnABudget() : SloppyRig({.hedge_share = 0, .strikes_to_disqualify = 1000}) {}
};

TEST_F(SloppyWriteOnABudget, H48LateOwnersAreJoinedNoMoreThanTheBudgetAllows) {
  // All sent before the first is late: none of them knows better.
  for (int i = 0; i < 50; ++i) rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(20));
  EXPECT_LE(rig_.transport.Count<HintRequest>(), 21 + 1);
  EXPECT_GE(rig_.transport.Count<HintRequest>(), 20);
}

}  // namespace
}  // namespace henge::coordinator_test
