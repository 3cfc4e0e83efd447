// A node that is no owner and coordinates all the same (P8, P12, P14, P17): member 1, for a key of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/request_checks.h"
#include "core/model/slot.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class AsFallback : public testing::Test {
 protected:
  AsFallback() : rig_(5, {}, Rig::Hints::kHere) {
    // One for which this node is the first fallback.
    for (int i = 0; key_.empty(); ++i) {
      std::string key = absl::StrCat("k", i);
      const auto fallbacks = rig_.ring->Fallbacks(PartitionOf(key));
      if (fallbacks[0] != MemberId(1)) continue;
      other_ = fallbacks[1].value();
      key_ = std::move(key);
    }
    for (MemberId owner : rig_.ring->Owners(PartitionOf(key_))) owners_.push_back(owner.value());
  }

  void HoldOwnersDead() { rig_.HoldDead({owners_[0], owners_[1], owners_[2]}); }
  Object Hinted() {
    Object merged;
    for (const auto& [target, object] : rig_.hints.hints[key_]) merged.Merge(object);
    return merged;
  }

  Rig rig_;
  std::string key_;
  std::vector<uint32_t> owners_;
  uint32_t other_ = 0;  // the second fallback
};

TEST_F(AsFallback, P12MintsAsAHintForAMissingOwnerAndSendsTheRecordToTheOthers) {
  rig_.HoldDead({owners_[1]});
  auto reply = rig_.Send(Put("v", key_), Via::kAsFallback);
  ASSERT_EQ(rig_.hints.targets.size(), 1u);
  EXPECT_EQ(rig_.hints.targets[0], MemberId(owners_[1])) << "one that is missing";
  EXPECT_EQ(rig_.local.mints, 0) << "never a record in the data store";
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(owners_[0])), 1);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(owners_[1])), 0);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(owners_[2])), 1);
  EXPECT_EQ(rig_.transport.Count<HintRequest>(), 0) << "this node stands in for the only one that is missing";
  EXPECT_FALSE(reply->has_value());
  rig_.Ack(owners_[0]);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.primaries, 1u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
  EXPECT_EQ((*reply)->facts.durable, 2u);
  EXPECT_EQ((*reply)->facts.coordinator, MemberId(1));
  EXPECT_EQ(rig_.coordinator->figures().as_fallback, 1u);
}

TEST_F(AsFallback, WithoutAnyOwnerTwoFallbacksAreW) {
  HoldOwnersDead();
  auto reply = rig_.Send(Put("v", key_));
  EXPECT_EQ(rig_.transport.Count<ForwardRequest>(), 0) << "nobody waits for owners that are held dead";
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(other_)), 1);
  const auto& hint = std::get<HintRequest>(rig_.transport.sent[0].request);
  EXPECT_NE(hint.target, rig_.hints.targets[0]) << "each stands in for another owner";
  rig_.AckHint(other_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.fallbacks, 2u);
  EXPECT_EQ((*reply)->facts.primaries, 0u);
}

TEST_F(AsFallback, WhenNoOwnerAnswersTheFirstLiveFallbackIsAsked) {
  rig_.HoldDead({1});  // an opinion about oneself counts for nothing
  auto reply = rig_.Send(Put("v", key_));
  for (size_t i = 0; i < 3; ++i) rig_.transport.Answer(i, absl::UnavailableError("connection refused"));
  EXPECT_EQ(rig_.hints.commands.size(), 0u) << "the owners may have run it: first the question for its op_id (P8)";
  EXPECT_GT(rig_.transport.Count<ReadRequest>(), 0);
}

TEST_F(AsFallback, P39OfOwnersThatAreAllDisqualifiedOneIsAskedBeforeAFallbackTakesTheRequest) {
  for (uint32_t owner : owners_) rig_.coordinator->HearVerdict(MemberId(owner), /*disqualified=*/true);
  auto reply = rig_.Send(Get(key_));
  ASSERT_EQ(rig_.transport.Count<ForwardRequest>(), 1);
  rig_.loop.Pass(milliseconds(60));
  EXPECT_EQ(rig_.transport.Count<ForwardRequest>(), 1) << "the others are not waited for one by one";
  EXPECT_EQ(rig_.coordinator->figures().as_fallback, 1u);
}

TEST_F(AsFallback, ALateOwnersAnswerIsNoAnswerOnceThisNodeCoordinates) {
  for (uint32_t owner : owners_) rig_.coordinator->HearVerdict(MemberId(owner), /*disqualified=*/true);
  auto reply = rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(300));
  ASSERT_EQ(rig_.coordinator->figures().as_fallback, 1u);
  ClientReply late{.status = absl::FailedPreconditionError("too many versions"), .outcome = Outcome::kNotApplied};
  late.facts.needed = 2;
  for (size_t i = 0; i < rig_.transport.sent.size(); ++i) {
    const bool forward = std::holds_alternative<ForwardRequest>(rig_.transport.sent[i].request);
    if (forward && rig_.transport.sent[i].done) rig_.transport.Answer(i, ForwardReply{late});
  }
  EXPECT_FALSE(reply->has_value());
  rig_.AnswerRead(other_, Absent());
  ASSERT_EQ(rig_.hints.commands.size(), 1u) << "the question for the op_id came first (P8)";
  rig_.loop.Pass(milliseconds(20));
  rig_.AckHint(other_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
}

TEST_F(AsFallback, P8ARetryWithNoOwnerInReachAsksTheHintsAndMints) {
  HoldOwnersDead();
  ClientRequest put = Put("v", key_);
  put.op_id = {1, 2};
  put.retry = true;
  auto reply = rig_.Send(put);
  ASSERT_EQ(rig_.transport.CountTo<ReadRequest>(MemberId(other_)), 1);
  rig_.AnswerRead(other_, Absent());
  ASSERT_EQ(rig_.hints.commands.size(), 1u);
  rig_.AckHint(other_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
}

TEST_F(AsFallback, P8ARetryThatAHintHoldsIsNotMintedAgain) {
  HoldOwnersDead();
  ClientRequest put = Put("v", key_);
  put.op_id = {1, 2};
  auto first = rig_.Send(put);
  const Object written = Hinted();
  rig_.AckHint(other_);
  put.retry = true;
  auto retry = rig_.Send(put);
  rig_.AnswerRead(other_, Found(written));
  EXPECT_EQ(rig_.hints.commands.size(), 1u);
  ASSERT_FALSE(retry->has_value()) << "this node's hint alone is not W";
  rig_.AckHint(other_);
  ASSERT_TRUE(retry->has_value());
  EXPECT_TRUE((*retry)->status.ok()) << (*retry)->status;
  EXPECT_EQ((*retry)->facts.fallbacks, 2u);
  EXPECT_EQ(Hinted(), written);
}

TEST_F(AsFallback, P38ADeleteWithoutAContextNeedsWhatAClientWouldRead) {
  HoldOwnersDead();
  auto reply = rig_.Send(Delete(key_));
  for (uint32_t owner : owners_) {
    if (!rig_.transport.Open<ReadRequest>(MemberId(owner)).empty()) {
      rig_.AnswerRead(owner, absl::UnavailableError("connection refused"));
    }
  }
  rig_.AnswerRead(other_, Absent());
  EXPECT_TRUE(rig_.hints.commands.empty());
  // Nothing was done: the other fallback may reach more.
  ASSERT_EQ(rig_.transport.CountTo<ForwardRequest>(MemberId(other_)), 1);
  ClientReply refused{.status = absl::UnavailableError("the read before the write failed"),
                      .outcome = Outcome::kNotApplied};
  rig_.transport.Answer(rig_.transport.sent.size() - 1, ForwardReply{refused});
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
}

TEST_F(AsFallback, ADeleteWithAContextIsATombstoneInTheHints) {
  HoldOwnersDead();
  rig_.Send(Put("v", key_));
  rig_.AckHint(other_);
  ClientRequest request = Delete(key_);
  Context seen;
  seen.vv = Hinted().vv();
  request.context = rig_.Seal(seen, key_);
  auto reply = rig_.Send(request);
  rig_.AckHint(other_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_FALSE(Hinted().HasLiveValue(0));
}

TEST_F(AsFallback, P12AReadMergesTheHintsHereWithAnOwner) {
  rig_.hints.hints[key_][MemberId(owners_[0])] = MakeObject({{.store = 2, .counter = 1, .value = "a"}});
  rig_.hints.hints[key_][MemberId(owners_[1])] = MakeObject({{.store = 3, .counter = 1, .value = "b"}});
  auto reply = rig_.Send(Get(key_), Via::kAsFallback);
  EXPECT_FALSE(reply->has_value());
  const uint32_t owner = rig_.ReadPeer();
  rig_.AnswerRead(owner, Absent());
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("a", "b"));
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
  EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(owner)), 1) << "the owner that was behind is repaired";
  EXPECT_EQ(rig_.local.merges, 0);
}

TEST_F(AsFallback, P14WithoutAnOwnerAReadIsUnavailableNeverNotFound) {
  HoldOwnersDead();
  auto reply = rig_.Send(Get(key_));
  for (uint32_t owner : owners_) rig_.AnswerRead(owner, absl::UnavailableError("connection refused"));
  rig_.AnswerRead(other_, Absent());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

TEST_F(AsFallback, P17AFullFallbackHandsOnToTheNextAndAtLastItIsUnavailable) {
  HoldOwnersDead();
  rig_.hints.full = true;
  auto reply = rig_.Send(Put("v", key_));
  ASSERT_EQ(rig_.transport.CountTo<ForwardRequest>(MemberId(other_)), 1);
  const auto& forward = std::get<ForwardRequest>(rig_.transport.sent.back().request);
  EXPECT_TRUE(forward.as_fallback);
  ClientReply full{.status = absl::ResourceExhaustedError("no room for a hint"), .outcome = Outcome::kNotApplied};
  full.facts.needed = 2;
  rig_.transport.Answer(rig_.transport.sent.size() - 1, ForwardReply{full});
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  EXPECT_THAT(std::string((*reply)->status.message()), HasSubstr("no room for a hint"));
}

TEST_F(AsFallback, StrictNeedsAnOwner) {
  HoldOwnersDead();
  auto refused = rig_.Send(With(Put("v", key_), 2, QuorumMode::kStrict), Via::kAsFallback);
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*refused)->status));
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
  rig_.Send(With(Put("v", key_), 2, QuorumMode::kStrict));
  EXPECT_EQ(rig_.transport.Count<ForwardRequest>(), 1) << "an owner is asked, dead or not";
  EXPECT_TRUE(rig_.hints.commands.empty());
}

TEST_F(AsFallback, SilentOwnersAreJoinedByTheOtherFallback) {
  auto reply = rig_.Send(Put("v", key_), Via::kAsFallback);
  EXPECT_EQ(rig_.transport.Count<MergeRequest>(), 3);
  rig_.loop.Pass(milliseconds(20));
  ASSERT_EQ(rig_.transport.CountTo<HintRequest>(MemberId(other_)), 1);
  rig_.AckHint(other_);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.fallbacks, 2u);
}

// P39: the owner for whom this node keeps the copy is a node like any other, and may be there all the same.
TEST_F(AsFallback, WhereWIsMissingTheOwnerWhoseHintIsHereIsAskedAtLast) {
  rig_.HoldDead({owners_[0], owners_[1], owners_[2], other_});
  auto reply = rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(20));
  for (uint32_t owner : owners_) EXPECT_EQ(rig_.transport.CountTo<MergeRequest>(MemberId(owner)), 1);
  ASSERT_EQ(rig_.hints.targets.size(), 1u);
  rig_.Ack(rig_.hints.targets[0].value());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->facts.primaries, 1u);
  EXPECT_EQ((*reply)->facts.fallbacks, 1u);
}

TEST_F(AsFallback, WhereWCantBeReachedItSaysSoLongBeforeTheDeadline) {
  rig_.HoldDead({owners_[0], owners_[1], owners_[2], other_});
  auto reply = rig_.Send(Put("v", key_));
  rig_.loop.Pass(milliseconds(300));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown) << "P13: the hint here is minted";
  EXPECT_EQ((*reply)->facts.durable, 1u);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(AsFallback, WhereEveryConnectionIsRefusedItSaysSoAtOnce) {
  rig_.HoldDead({owners_[0], owners_[1], owners_[2], other_});
  auto reply = rig_.Send(Put("v", key_));
  for (size_t i = 0; i < rig_.transport.sent.size(); ++i) {
    if (rig_.transport.sent[i].done) rig_.transport.Answer(i, absl::UnavailableError("no connection"));
  }
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

TEST_F(AsFallback, P12EveryMintOpensAnEpochOfItsOwn) {
  HoldOwnersDead();
  for (int i = 0; i < 2; ++i) {
    rig_.Send(Put("v", key_));
    rig_.AckHint(other_);
  }
  const Object hinted = Hinted();
  std::set<uint64_t> epochs;
  for (const auto& entry : hinted.vv().entries()) epochs.insert(entry.actor.epoch);
  EXPECT_EQ(epochs.size(), 2u);
}

TEST(WithoutHints, AFallbackRefusesAndOwnersHeldDeadAreAskedAllTheSame) {
  Rig rig(5);
  const std::string key = rig.ForeignKey();
  auto refused = rig.Send(Put("v", key), Via::kAsFallback);
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*refused)->status));
  EXPECT_FALSE((*refused)->facts.fallback_available);
  rig.HoldDead({2, 3, 4, 5});
  rig.Send(Put("v", key));
  EXPECT_EQ(rig.transport.Count<ForwardRequest>(), 1);
}

}  // namespace
}  // namespace henge::coordinator_test
