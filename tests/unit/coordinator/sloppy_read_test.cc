// Sloppy reads on an owner: fallbacks are asked for their hints when too few owners are left (P14, P15).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/sloppy_rig.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

const Object kOld = MakeObject({{.store = 2, .counter = 1, .value = "old"}});
const Object kNew = MakeObject({{.store = 2, .counter = 2, .value = "new"}});

class SloppyRead : public SloppyRig {
 protected:
  SloppyRead() { rig_.local.records[key_] = kOld; }

  void RefuseReadsOfOwners() {
    for (int i = 0; i < 2; ++i) {
      for (uint32_t owner : {a_, b_}) {
        const auto open = rig_.transport.Open<ReadRequest>(MemberId(owner));
        if (!open.empty()) rig_.AnswerRead(owner, absl::UnavailableError("connection refused"));
      }
    }
  }
  void AnswerFallbacks() {
    for (uint32_t fallback : {f_, g_}) {
      for (size_t open : rig_.transport.Open<ReadRequest>(MemberId(fallback))) rig_.transport.Answer(open, Absent());
    }
  }
  void ReadWhileOwnersAreSilent() {
    for (int i = 0; i < 12; ++i) {
      rig_.Send(Get(key_));
      for (int tick = 0; tick < 10; ++tick) {
        rig_.loop.Pass(milliseconds(5));
        AnswerFallbacks();
      }
    }
  }
  bool FromHints(size_t i) const { return std::get<ReadRequest>(rig_.transport.sent[i].request).from_hints; }
};

TEST_F(SloppyRead, AFallbacksHintCountsAndIsMergedAndRepairsTheOwnersThatAnswered) {
  auto reply = rig_.Send(Get(key_));
  RefuseReadsOfOwners();
  ASSERT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(f_)), 1);
  EXPECT_TRUE(FromHints(rig_.transport.Open<ReadRequest>(MemberId(f_))[0]));
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerRead(f_, Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.answered, 2u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
  EXPECT_EQ((*reply)->facts.stale, 1u) << "this node";
  EXPECT_EQ(rig_.local.records[key_], kNew);
  EXPECT_EQ(rig_.transport.Count<MergeRequest>(), 0) << "a fallback is no replica to be repaired";
}

TEST_F(SloppyRead, H31AFallbackWhoseHintIsBehindIsNotRepaired) {
  rig_.local.records[key_] = kNew;
  auto reply = rig_.Send(Get(key_));
  RefuseReadsOfOwners();
  rig_.AnswerRead(f_, Found(kOld));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.stale, 0u);
  EXPECT_EQ(rig_.transport.Count<MergeRequest>(), 0);
}

TEST_F(SloppyRead, P14ThatAFallbackKeepsNothingDoesNotCount) {
  auto reply = rig_.Send(Get(key_));
  RefuseReadsOfOwners();
  rig_.AnswerRead(f_, Absent());
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerRead(g_, Absent());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_THAT(std::string((*reply)->status.message()), HasSubstr("(hints): NOT_FOUND"));
}

TEST_F(SloppyRead, OwnersHeldDeadAreNotWaitedForButAsked) {
  rig_.HoldDead({a_, b_});
  auto reply = rig_.Send(Get(key_));
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(a_)), 1) << "gossip may be wrong";
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(b_)), 1);
  ASSERT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(f_)), 1) << "at once";
  rig_.AnswerRead(f_, Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
}

TEST_F(SloppyRead, AnOwnerHeldDeadIsAskedLast) {
  for (uint32_t dead : {a_, b_}) {
    rig_.HoldDead({dead});
    const int before = rig_.transport.CountTo<ReadRequest>(MemberId(dead));
    auto reply = rig_.Send(Get(key_));
    EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(dead)), before);
    rig_.AnswerRead(dead == a_ ? b_ : a_, Same());
    EXPECT_TRUE(reply->has_value());
  }
}

TEST_F(SloppyRead, ASilentOwnerIsJoinedByAFallbackOnceNoOwnerIsLeftToAsk) {
  auto reply = rig_.Send(With(Get(key_), 3));
  rig_.AnswerRead(a_, Same());
  rig_.loop.Pass(milliseconds(20));
  ASSERT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(f_)), 1);
  rig_.AnswerRead(f_, Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.answered, 3u);
}

// The side of a split where a single owner of the key is: the client finds the others elsewhere.
TEST_F(SloppyRead, NobodyWaitsForOwnersThatGossipAndRequestsHaveGivenUp) {
  ReadWhileOwnersAreSilent();
  EXPECT_GE(rig_.tracer.events["PeerDisqualified"], 2);
  rig_.HoldDead({a_, b_});
  const int asked = rig_.transport.CountTo<ReadRequest>(MemberId(a_));
  auto reply = rig_.Send(Get(key_));
  EXPECT_GT(rig_.transport.CountTo<ReadRequest>(MemberId(a_)), asked) << "both may be wrong";
  for (uint32_t fallback : {f_, g_}) {
    EXPECT_FALSE(reply->has_value()) << "it may keep a hint";
    rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(fallback)).back(), Absent());
  }
  ASSERT_TRUE(reply->has_value()) << "at once";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

// The fallbacks are on this side, the other owners are not; gossip doesn't know yet.
class SloppyReadOfALoneOwner : public SloppyRead {
 protected:
  void SetUp() override { ReadWhileOwnersAreSilent(); }
  // Of the calls since `from`, those to the other owners.
  void AnswerOwners(size_t from) {
    for (size_t i = from, end = rig_.transport.sent.size(); i < end; ++i) {
      const bool to_owner = rig_.transport.sent[i].to == MemberId(a_) || rig_.transport.sent[i].to == MemberId(b_);
      if (to_owner && rig_.transport.sent[i].done) rig_.transport.Answer(i, Same());
    }
  }
  int AskedOf(uint32_t member) { return rig_.transport.CountTo<ReadRequest>(MemberId(member)); }
};

TEST_F(SloppyReadOfALoneOwner, P39WaitsForNobodyWhomRequestsOfJustNowFoundSilent) {
  const int asked_a = AskedOf(a_), asked_b = AskedOf(b_), asked_f = AskedOf(f_);
  auto reply = rig_.Send(Get(key_));
  EXPECT_GT(AskedOf(a_), asked_a) << "if all are disqualified, none is";
  EXPECT_GT(AskedOf(b_), asked_b) << "beside each other";
  EXPECT_GT(AskedOf(f_), asked_f) << "it may keep a hint";
  EXPECT_FALSE(reply->has_value());
  AnswerFallbacks();
  ASSERT_TRUE(reply->has_value()) << "at once";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

TEST_F(SloppyReadOfALoneOwner, WaitsForNobodyWithoutABudgetOfHedgesEither) {
  std::vector<std::shared_ptr<std::optional<ClientReply>>> replies;
  replies.reserve(100);
  for (int i = 0; i < 100; ++i) replies.push_back(rig_.Send(Get(key_)));
  AnswerFallbacks();
  for (const auto& reply : replies) EXPECT_TRUE(reply->has_value());
}

TEST_F(SloppyReadOfALoneOwner, AnAnswerThatComesAllTheSameEndsTheSilence) {
  rig_.Send(Get(key_));
  AnswerFallbacks();
  rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(a_)).back(), Same());
  auto reply = rig_.Send(Get(key_));
  AnswerFallbacks();
  EXPECT_FALSE(reply->has_value());
  rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(a_)).back(), Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
}

TEST_F(SloppyReadOfALoneOwner, ASilenceOfLongAgoRefusesNothing) {
  rig_.loop.Pass(std::chrono::seconds(2));
  const size_t before = rig_.transport.sent.size();
  auto reply = rig_.Send(Get(key_));
  AnswerFallbacks();
  EXPECT_FALSE(reply->has_value()) << "nobody has asked them for two seconds";
  AnswerOwners(before);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
}

// Who hears nobody may be the one that was away.
TEST_F(SloppyRead, P39IfNobodyAnswersEachReadTriesAllTheSame) {
  for (int i = 0; i < 12; ++i) {
    rig_.Send(Get(key_));
    rig_.loop.Pass(milliseconds(50));
  }
  auto reply = rig_.Send(Get(key_));
  rig_.loop.Pass(milliseconds(10));
  EXPECT_FALSE(reply->has_value());
  rig_.loop.Pass(milliseconds(15));
  ASSERT_TRUE(reply->has_value()) << "it had the time that is usual";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  auto next = rig_.Send(Get(key_));
  rig_.transport.Answer(rig_.transport.Open<ReadRequest>(MemberId(a_)).back(), Same());
  EXPECT_TRUE(next->has_value() && (*next)->status.ok());
}

TEST_F(SloppyRead, AnOwnerThatWasGivenUpAndAnswersAllTheSameCounts) {
  rig_.HoldDead({a_, b_});
  auto reply = rig_.Send(With(Get(key_), 3));
  rig_.AnswerRead(f_, Absent());
  rig_.AnswerRead(g_, Absent());
  rig_.loop.Pass(milliseconds(50));
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerRead(a_, Same());
  rig_.AnswerRead(b_, Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
}

TEST_F(SloppyRead, StrictAsksOwnersOnly) {
  rig_.HoldDead({b_});
  auto reply = rig_.Send(With(Get(key_), 3, QuorumMode::kStrict));
  rig_.AnswerRead(a_, Same());
  rig_.loop.Pass(milliseconds(50));
  EXPECT_FALSE(reply->has_value());
  rig_.loop.Pass(milliseconds(100));
  ASSERT_TRUE(reply->has_value()) << "another node may reach it: nobody waits here to the deadline";
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(f_)), 0);
  EXPECT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(g_)), 0);
}

TEST_F(SloppyRead, P14AStrictReadThatCantLeaveItsAnswerOnEnoughOwnersIsUnavailable) {
  rig_.local.records[key_] = kNew;
  auto reply = rig_.Send(With(Get(key_), 2, QuorumMode::kStrict));
  const uint32_t asked = rig_.transport.Open<ReadRequest>(MemberId(a_)).empty() ? b_ : a_;
  rig_.AnswerRead(asked, Found(kOld));
  EXPECT_FALSE(reply->has_value()) << "one owner holds what would be answered";
  rig_.AnswerMerge(a_, absl::UnavailableError("connection refused"));
  rig_.AnswerMerge(b_, absl::UnavailableError("connection refused"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0) << "a hint is no owner's copy";
}

TEST_F(SloppyRead, P15ARecoveringOwnerIsAFailureAndTheNextIsAsked) {
  auto reply = rig_.Send(Get(key_));
  const uint32_t asked = rig_.transport.Open<ReadRequest>(MemberId(a_)).empty() ? b_ : a_;
  const uint32_t other = asked == a_ ? b_ : a_;
  rig_.AnswerRead(asked, absl::FailedPreconditionError("this replica is recovering"));
  ASSERT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(other)), 1);
  rig_.AnswerRead(other, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
}

}  // namespace
}  // namespace henge::coordinator_test
