#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/limits.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string Text(const ClientReply& reply) { return std::string(reply.status.message()); }

TEST(Put, SendsTheWholeRecordToTheOtherOwnersInTheTurnThatMints) {
  Rig rig;
  rig.local.hold_commits = true;
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 1, .value = "concurrent"}});
  rig.Send(Put("v"));
  ASSERT_EQ(rig.transport.Count<MergeRequest>(), 2) << "before the local copy is durable";
  const auto& request = std::get<MergeRequest>(rig.transport.sent[0].request);
  EXPECT_EQ(request.object, rig.local.records["k"].Encode());
  EXPECT_EQ(request.epoch, rig.ring->Epoch(request.key.partition));
  ASSERT_TRUE(request.minter.has_value());
  EXPECT_EQ(request.minter->store, StoreId(1));
}

TEST(Put, ABucketsTtlBecomesAnAbsoluteExpiryAtTheMint) {
  Rig rig;
  ClusterState state = rig.ring->state();
  state.buckets[0].ttl_ms = 60'000;
  rig.ring = std::make_shared<const Ring>(std::move(state));
  rig.coordinator->UpdateRing(rig.ring);
  const int64_t now_ms = rig.clock.wall.time_since_epoch().count();
  rig.Send(Put("v"));
  ClientRequest own = Put("v");
  own.expires_at_ms = now_ms + 5;
  rig.Send(own);
  ASSERT_EQ(rig.local.commands.size(), 2u);
  EXPECT_EQ(rig.local.commands[0].mutation.expires_at_ms, now_ms + 60'000);
  EXPECT_EQ(rig.local.commands[1].mutation.expires_at_ms, now_ms + 5) << "the request's own choice wins";
}

TEST(Put, P10AcksAtWDistinctDurableCopies) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  EXPECT_FALSE(reply->has_value()) << "the local copy alone is no quorum";
  rig.Ack(3);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kApplied);
  EXPECT_EQ((*reply)->facts.needed, 2u);
  EXPECT_EQ((*reply)->facts.primaries, 2u);
  EXPECT_EQ((*reply)->facts.durable, 2u);
  EXPECT_EQ((*reply)->facts.fallbacks, 0u);
  EXPECT_FALSE((*reply)->facts.fallback_available);
  EXPECT_EQ((*reply)->siblings, 1u);
  EXPECT_EQ(rig.Open((*reply)->context).vv.Get({StoreId(1), Lifetime(100), 1}), 1u);
  EXPECT_EQ(rig.coordinator->figures().blind_writes, 1u);
  EXPECT_FALSE(rig.loop.has_timers());
  rig.Ack(2);
}

TEST(Put, P11TheLocalCopyCountsOnlyWhenItIsDurable) {
  Rig rig;
  rig.local.hold_commits = true;
  auto reply = rig.Send(Put("v"));
  rig.Ack(2);
  EXPECT_FALSE(reply->has_value());
  rig.local.ReleaseCommits();
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.durable, 2u);
}

TEST(Put, IsAckedByTheOthersWhileTheLocalDiskIsSlow) {
  Rig rig;
  rig.local.hold_commits = true;
  auto reply = rig.Send(Put("v"));
  rig.Ack(2);
  rig.Ack(3);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
}

TEST(Put, WithWOfOneAndOfAll) {
  Rig rig;
  auto one = rig.Send(With(Put("v"), 1));
  ASSERT_TRUE(one->has_value());
  EXPECT_EQ((*one)->facts.durable, 1u);
  auto all = rig.Send(With(Put("v", "other"), 3));
  rig.transport.Answer(rig.transport.Open<MergeRequest>(MemberId(2)).back(), MergeReply{1});
  EXPECT_FALSE(all->has_value());
  rig.transport.Answer(rig.transport.Open<MergeRequest>(MemberId(3)).back(), MergeReply{1});
  ASSERT_TRUE(all->has_value());
  EXPECT_EQ((*all)->facts.durable, 3u);
}

TEST(Put, APutWithTheReadsContextReplacesWhatWasRead) {
  Rig rig;
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 1, .value = "old"}});
  ClientRequest put = Put("new");
  Context seen;
  seen.vv.Raise(MakeDot(2, 1).actor, 1);
  put.context = rig.Seal(seen);
  auto reply = rig.Send(put);
  rig.Ack(2);
  EXPECT_EQ((*reply)->siblings, 1u);
  EXPECT_EQ(rig.coordinator->figures().blind_writes, 0u);
  EXPECT_EQ(rig.local.records["k"].siblings().size(), 1u);
}

TEST(Put, P13FailuresBeforeTheMintAreNotApplied) {
  Rig rig;
  rig.local.admit_put = absl::ResourceExhaustedError("disk full");
  auto refused = rig.Send(Put("v"));
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status));
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
  rig.local.admit_put = absl::OkStatus();

  auto invalid = rig.Send(With(Put("v"), 9));
  EXPECT_EQ((*invalid)->outcome, Outcome::kNotApplied);

  rig.local.mint_error = absl::FailedPreconditionError("too many versions");
  auto capped = rig.Send(Put("v"));
  EXPECT_EQ((*capped)->status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*capped)->outcome, Outcome::kNotApplied);
  EXPECT_EQ(rig.local.mints, 0);
  EXPECT_TRUE(rig.transport.sent.empty()) << "nothing leaves this node for a write that is not applied";
  EXPECT_FALSE(rig.loop.has_timers());
}

TEST(Put, P13AQuorumOutOfReachIsUnknownAndSaysWhoAnsweredWhat) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  rig.AnswerMerge(2, absl::UnavailableError("connection refused"));
  EXPECT_FALSE(reply->has_value());
  rig.AnswerMerge(3, absl::ResourceExhaustedError("disk full"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
  EXPECT_EQ((*reply)->facts.durable, 1u);
  EXPECT_THAT(Text(**reply), HasSubstr("1 of 2 needed copies are durable"));
  EXPECT_THAT(Text(**reply), HasSubstr("n1: durable"));
  EXPECT_THAT(Text(**reply), HasSubstr("n2: UNAVAILABLE: connection refused"));
  EXPECT_THAT(Text(**reply), HasSubstr("n3: RESOURCE_EXHAUSTED: disk full"));
  EXPECT_TRUE((*reply)->context.empty());
}

TEST(Put, P13TheDeadlineAfterTheMintIsUnknown) {
  Rig rig;
  ClientRequest put = Put("v");
  put.budget = milliseconds(50);
  auto reply = rig.Send(put);
  rig.loop.Pass(milliseconds(50));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
  EXPECT_THAT(Text(**reply), HasSubstr("n2: no answer"));
}

TEST(Put, P6TheDeadlineBeforeTheMintIsNotAppliedAndTheMintNeverComes) {
  Rig rig;
  rig.local.hold_mints = true;
  ClientRequest put = Put("v");
  put.budget = milliseconds(50);
  auto reply = rig.Send(put);
  rig.loop.Pass(milliseconds(50));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  rig.local.ReleaseReads();
  EXPECT_EQ(rig.local.mints, 0);
  EXPECT_TRUE(rig.transport.sent.empty());
}

TEST(Put, AFailedLocalCommitIsAFailureOfThisReplicaOnly) {
  Rig rig;
  rig.local.commit_error = absl::InternalError("sync failed");
  auto reply = rig.Send(Put("v"));
  rig.Ack(2);
  EXPECT_FALSE(reply->has_value());
  rig.Ack(3);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ((*reply)->facts.durable, 2u);
}

TEST(Put, TheContextIsWithheldIfItWouldCoverAValueThatTheClientHasNotSeen) {
  Rig rig;
  auto first = rig.Send(Put("a"));
  rig.Ack(2);
  EXPECT_FALSE((*first)->context.empty());
  auto second = rig.Send(Put("b"));
  rig.transport.Answer(rig.transport.Open<MergeRequest>(MemberId(2)).back(), MergeReply{2});
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE((*second)->status.ok());
  EXPECT_EQ((*second)->siblings, 2u);
  EXPECT_TRUE((*second)->context.empty());
}

TEST(Put, AMutationWithoutAnOpIdGetsOneOfItsOwn) {
  Rig rig;
  rig.Send(Put("a"));
  rig.Send(Put("b"));
  const OpId a = rig.local.commands[0].mutation.op_id;
  const OpId b = rig.local.commands[1].mutation.op_id;
  EXPECT_FALSE(a.IsNone());
  EXPECT_NE(a, b);
}

// ---- P7
// ---------------------------------------------------------------------------------------------------------------

TEST(Put, P7AHigherCounterOfALaterMintIsAnAck) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  rig.AnswerMerge(2, MergeReply{.minter_counter = 2});
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ(rig.local.mints, 1);
  EXPECT_EQ(rig.coordinator->figures().amnesia_events, 0u);
}

TEST(Put, P7AmnesiaMintsAgainUnderANewLifetimeAndAnswersThen) {
  Rig rig;
  rig.local.amnesia = true;
  ClientRequest put = Put("v");
  Context seen;
  seen.vv.Raise(MakeDot(9, 1).actor, 1);
  put.context = rig.Seal(seen);
  put.op_id = {5, 6};
  auto reply = rig.Send(put);
  rig.AnswerMerge(2, MergeReply{.minter_counter = 7});
  ASSERT_EQ(rig.local.mints, 2);
  EXPECT_FALSE(reply->has_value()) << "the first version may be covered by what was lost: its acks count for nothing";
  const MintCommand& again = rig.local.commands[1];
  EXPECT_TRUE(again.again);
  EXPECT_EQ(again.mutation.value, "v");
  EXPECT_EQ(again.mutation.op_id, put.op_id);
  EXPECT_EQ(again.mutation.request_hash, rig.local.commands[0].mutation.request_hash);
  EXPECT_EQ(again.context, seen);
  const auto open = rig.transport.Open<MergeRequest>(MemberId(3));
  const auto& request = std::get<MergeRequest>(rig.transport.sent[open.back()].request);
  EXPECT_EQ(request.minter->lifetime, Lifetime(101));
  rig.transport.Answer(open.back(), MergeReply{.minter_counter = 1});
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ(rig.coordinator->figures().amnesia_events, 1u);
}

TEST(Put, P7AmnesiaThatShowsAfterTheAckMintsAgainInTheBackground) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  rig.Ack(2);
  ASSERT_TRUE(reply->has_value());
  rig.local.amnesia = true;
  rig.AnswerMerge(3, MergeReply{.minter_counter = 7});
  EXPECT_EQ(rig.local.mints, 2);
  EXPECT_EQ(rig.local.commands[1].mutation.value, "v");
}

TEST(Put, P7AmnesiaAfterTheAckOfAVersionThatWasReplacedNeedsNoNewOne) {
  Rig rig;
  rig.Send(Put("v"));
  rig.Ack(2);
  rig.local.records["k"] = MakeObject({{.store = 4, .counter = 1, .value = "later"}});
  rig.local.amnesia = true;
  rig.AnswerMerge(3, MergeReply{.minter_counter = 7});
  EXPECT_EQ(rig.local.mints, 1);
  EXPECT_EQ(rig.tracer.events["AmnesiaNotRepaired"], 0);
}

TEST(Put, P7AmnesiaAfterTheAckThatCantBeRepairedIsAlarmed) {
  Rig rig;
  rig.Send(Put("v"));
  rig.Ack(2);
  rig.local.read_error = absl::DataLossError("checksum");
  rig.local.amnesia = true;
  rig.AnswerMerge(3, MergeReply{.minter_counter = 7});
  EXPECT_EQ(rig.tracer.events["AmnesiaNotRepaired"], 1);
}

TEST(Put, P7AmnesiaWithoutEndIsUnknownNotALoop) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  for (int i = 0; i < 10 && !reply->has_value(); ++i) {
    rig.local.amnesia = true;
    rig.transport.Answer(rig.transport.Open<MergeRequest>(MemberId(2)).back(), MergeReply{.minter_counter = 7});
  }
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ(rig.local.mints, 3);
}

TEST(Put, AnAckThatDoesNotCoverTheVersionIsAFailure) {
  Rig rig;
  auto reply = rig.Send(Put("v"));
  rig.AnswerMerge(2, MergeReply{.minter_counter = 0});
  EXPECT_FALSE(reply->has_value());
  rig.AnswerMerge(3, MergeReply{.minter_counter = 1});
  EXPECT_TRUE((*reply)->status.ok());
}

}  // namespace
}  // namespace henge::coordinator_test
