#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/slot.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class Forward : public testing::Test {
 protected:
  explicit Forward(CoordinatorOptions options = {}) : rig_(5, options), key_(rig_.ForeignKey()) {}

  const FakeTransport::Sent& sent(size_t i) const { return rig_.transport.sent[i]; }
  const ClientRequest& forwarded(size_t i) const { return std::get<ForwardRequest>(sent(i).request).request; }
  void Answer(size_t i, absl::Status status, Outcome outcome, uint32_t needed = 2) {
    ClientReply reply{.status = std::move(status), .outcome = outcome};
    reply.facts.needed = needed;
    reply.facts.coordinator = sent(i).to;
    rig_.transport.Answer(i, ForwardReply{reply});
  }

  Rig rig_;
  std::string key_;
};

TEST_F(Forward, ARequestGoesToOneOwnerAndItsReplyComesBackAsItIs) {
  ClientRequest get = Get(key_);
  get.budget = milliseconds(300);
  auto reply = rig_.Send(get);
  ASSERT_EQ(rig_.transport.sent.size(), 1u);
  EXPECT_TRUE(rig_.ring->IsOwner(PartitionOf(key_), sent(0).to));
  EXPECT_EQ(forwarded(0).budget, milliseconds(300)) << "the deadline travels";
  EXPECT_EQ(sent(0).deadline, rig_.clock.now + milliseconds(300));
  ClientReply answer{.status = absl::OkStatus(), .values = {"v"}};
  answer.facts.coordinator = sent(0).to;
  rig_.transport.Answer(0, ForwardReply{answer});
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("v"));
  EXPECT_EQ((*reply)->facts.coordinator, sent(0).to);
  EXPECT_EQ(rig_.coordinator->figures().forwarded, 1u);
  EXPECT_FALSE(rig_.loop.has_timers());
}

TEST_F(Forward, AForwardedRequestIsNeverForwardedAgain) {
  auto reply = rig_.Send(Put("v", key_), Via::kForwarded);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  EXPECT_THAT(std::string((*reply)->status.message()), HasSubstr("stale routing"));
  EXPECT_EQ((*reply)->facts.state_version, rig_.ring->version());
  EXPECT_TRUE(rig_.transport.sent.empty());
}

TEST_F(Forward, P8AMutationThatMayHaveRunIsRetriedElsewhereUnderTheSameOpId) {
  auto reply = rig_.Send(Put("v", key_));
  EXPECT_FALSE(forwarded(0).retry);
  EXPECT_FALSE(forwarded(0).op_id.IsNone()) << "made here, so that a retry can be told";
  rig_.transport.Answer(0, absl::UnavailableError("the connection broke"));
  ASSERT_EQ(rig_.transport.sent.size(), 2u);
  EXPECT_NE(sent(1).to, sent(0).to);
  EXPECT_TRUE(forwarded(1).retry);
  EXPECT_EQ(forwarded(1).op_id, forwarded(0).op_id);
  Answer(1, absl::OkStatus(), Outcome::kApplied);
  EXPECT_EQ((*reply)->outcome, Outcome::kApplied);
}

TEST_F(Forward, P39AMutationThatWasNotSentIsNoRetry) {
  rig_.Send(Put("v", key_));
  rig_.transport.Answer(0, absl::ResourceExhaustedError("the queue to the peer is full"));
  ASSERT_EQ(rig_.transport.sent.size(), 2u);
  EXPECT_FALSE(forwarded(1).retry);
}

TEST_F(Forward, P13ARefusalAfterATryThatMayHaveRunIsUnknown) {
  auto reply = rig_.Send(Put("v", key_));
  rig_.transport.Answer(0, absl::UnavailableError("the connection broke"));
  Answer(1, absl::FailedPreconditionError("too many versions"), Outcome::kNotApplied);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
}

TEST_F(Forward, P13ARefusalOfTheOnlyOwnerAskedIsNotApplied) {
  auto reply = rig_.Send(Put("v", key_));
  Answer(0, absl::FailedPreconditionError("too many versions"), Outcome::kNotApplied);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  EXPECT_EQ(rig_.transport.sent.size(), 1u);
}

TEST_F(Forward, AnOwnerThatIsShuttingDownIsPassedOver) {
  auto reply = rig_.Send(Put("v", key_));
  Answer(0, absl::UnavailableError("shutting down"), Outcome::kNotApplied, /*needed=*/0);
  ASSERT_EQ(rig_.transport.sent.size(), 2u);
  EXPECT_FALSE(forwarded(1).retry) << "it said that nothing was done";
  Answer(1, absl::OkStatus(), Outcome::kApplied);
  EXPECT_TRUE((*reply)->status.ok());
}

TEST_F(Forward, AFailedQuorumOfAnOwnerIsTheAnswer) {
  auto reply = rig_.Send(Put("v", key_));
  Answer(0, absl::UnavailableError("the quorum is out of reach"), Outcome::kUnknown);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
}

TEST_F(Forward, WhenNoOwnerCanBeReachedTheErrorNamesTheLast) {
  auto reply = rig_.Send(Get(key_));
  for (size_t i = 0; i < 3; ++i) rig_.transport.Answer(i, absl::UnavailableError("connection refused"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_THAT(std::string((*reply)->status.message()), HasSubstr("connection refused"));
  EXPECT_EQ(rig_.transport.sent.size(), 3u);
}

TEST_F(Forward, ASilentOwnerIsJoinedByTheNextAndTheFirstAnswerWins) {
  auto reply = rig_.Send(Get(key_));
  rig_.loop.Pass(milliseconds(60));
  ASSERT_EQ(rig_.transport.sent.size(), 2u);
  Answer(0, absl::NotFoundError("late, but first"), Outcome::kApplied);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsNotFound((*reply)->status));
  Answer(1, absl::OkStatus(), Outcome::kApplied);
}

TEST_F(Forward, AfterTheFirstLateAnswerNoRequestWaitsForThatOwner) {
  rig_.Send(Get(key_));
  const MemberId silent = sent(0).to;
  rig_.loop.Pass(milliseconds(60));
  Answer(1, absl::NotFoundError("no value"), Outcome::kApplied);
  for (int i = 0; i < 20; ++i) {
    const size_t before = rig_.transport.sent.size();
    auto reply = rig_.Send(Get(key_));
    for (size_t j = before; j < rig_.transport.sent.size(); ++j) {
      if (!std::holds_alternative<ForwardRequest>(sent(j).request)) continue;
      EXPECT_NE(sent(j).to, silent);
      Answer(j, absl::NotFoundError("no value"), Outcome::kApplied);
    }
    EXPECT_TRUE(reply->has_value()) << "request " << i;
    rig_.loop.Pass(milliseconds(30));
  }
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 1) << "by the silence of probes alone";
}

TEST_F(Forward, P13WithoutAnyAnswerByTheDeadlineAMutationIsUnknown) {
  ClientRequest put = Put("v", key_);
  put.budget = std::chrono::seconds(1);
  auto reply = rig_.Send(put);
  rig_.loop.Pass(std::chrono::seconds(1));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
}

// The side of a split without any owner of the key; nobody coordinates a strict request there.
TEST_F(Forward, WhereAllOwnersAreOutOfReachItSaysSoOnceEachHadItsTime) {
  const auto owners = rig_.ring->Owners(PartitionOf(key_));
  rig_.HoldDead({owners[0].value(), owners[1].value(), owners[2].value()});
  auto get = rig_.Send(With(Get(key_), 2, QuorumMode::kStrict));
  auto put = rig_.Send(With(Put("v", key_), 2, QuorumMode::kStrict));
  rig_.loop.Pass(milliseconds(219));
  EXPECT_FALSE(get->has_value());
  EXPECT_EQ(rig_.transport.Count<ForwardRequest>(), 5) << "an opinion is no reason not to ask";
  rig_.loop.Pass(milliseconds(21));
  ASSERT_TRUE(get->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*get)->status)) << (*get)->status;
  rig_.loop.Pass(milliseconds(500));
  ASSERT_TRUE(put->has_value()) << "long before the deadline";
  EXPECT_TRUE(absl::IsUnavailable((*put)->status)) << (*put)->status;
  EXPECT_EQ((*put)->outcome, Outcome::kUnknown) << "P13: an owner may have it";
}

// Those that had no budget when they were late go around the owner once it costs none.
TEST_F(Forward, H48WhoHadNoBudgetForARetryIsNotLeftToItsDeadline) {
  std::vector<std::shared_ptr<std::optional<ClientReply>>> replies;
  replies.reserve(40);
  for (int i = 0; i < 40; ++i) replies.push_back(rig_.Send(Get(key_)));
  const MemberId silent = sent(0).to;
  for (int tick = 0; tick < 20; ++tick) {
    rig_.loop.Pass(milliseconds(30));
    rig_.Send(Get(key_));
    for (size_t i = 0; i < rig_.transport.sent.size(); ++i) {
      const bool forward = std::holds_alternative<ForwardRequest>(sent(i).request);
      if (forward && sent(i).done && sent(i).to != silent) Answer(i, absl::OkStatus(), Outcome::kApplied);
    }
  }
  EXPECT_EQ(rig_.tracer.events["PeerDisqualified"], 1);
  for (const auto& reply : replies) EXPECT_TRUE(reply->has_value());
}

class ForwardOnABudget : public Forward {
 protected:
  ForwardOnABudget() : Forward({.retry_share = 0, .strikes_to_disqualify = 1000}) {}
};

TEST_F(ForwardOnABudget, H48RetriesStopWhenTheBudgetIsUsedUp) {
  int retries = 0;
  for (int i = 0; i < 50; ++i) {
    const size_t before = rig_.transport.sent.size();
    rig_.Send(Get(key_));
    for (size_t j = before; j < rig_.transport.sent.size(); ++j) {
      rig_.transport.Answer(j, absl::UnavailableError("connection refused"));
    }
    retries += static_cast<int>(rig_.transport.sent.size() - before) - 1;
  }
  EXPECT_EQ(retries, 20) << "the burst, and no share";
}

}  // namespace
}  // namespace henge::coordinator_test
