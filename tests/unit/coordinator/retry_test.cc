// P8 (retries) and the read before a delete (P38).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/request_checks.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using testing::HasSubstr;

constexpr OpId kOp{11, 22};

ClientRequest Retry(std::string value) {
  ClientRequest put = Put(std::move(value));
  put.op_id = kOp;
  put.retry = true;
  return put;
}

// The record that the first try left behind.
Object Written(const ClientRequest& request) {
  return MakeObject({{.store = 2,
                      .counter = 1,
                      .value = request.value,
                      .op_id = request.op_id,
                      .request_hash = RequestHash(request)}});
}

TEST(Retry, P8AFirstTryAsksNobodyForItsOpId) {
  Rig rig;
  ClientRequest put = Retry("v");
  put.retry = false;
  rig.Send(put);
  EXPECT_EQ(rig.transport.Count<ReadRequest>(), 0);
  EXPECT_EQ(rig.local.mints, 1);
}

TEST(Retry, P8ARetryThatFindsItsOpIdMintsNothingAndReplicatesWhatItFound) {
  Rig rig;
  const ClientRequest put = Retry("v");
  auto reply = rig.Send(put);
  ASSERT_EQ(rig.transport.Count<ReadRequest>(), 1);
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Found(Written(put)));
  EXPECT_EQ(rig.local.mints, 0);
  EXPECT_EQ(rig.transport.CountTo<MergeRequest>(MemberId(peer)), 0) << "who answered with the record holds it";
  ASSERT_TRUE(reply->has_value()) << "that one and this node are W";
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kApplied);
  EXPECT_EQ((*reply)->facts.durable, 2u);
  EXPECT_EQ(rig.local.merges, 1);
  EXPECT_EQ(rig.local.records["k"], Written(put));
  EXPECT_TRUE(rig.Open((*reply)->context).vv.Covers(MakeDot(2, 1)));
  EXPECT_EQ(rig.coordinator->figures().op_id_hits, 1u);
}

TEST(Retry, P8WhatWasFoundIsOnWOwnersBeforeTheAck) {
  Rig rig;
  const ClientRequest put = With(Retry("v"), 3);
  auto reply = rig.Send(put);
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Found(Written(put)));
  EXPECT_FALSE(reply->has_value());
  rig.Ack(5 - peer);
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.durable, 3u);
}

// H43: what the refusal ends is over before the call returns, and the others are sent to all the same.
TEST(Retry, P8AnOwnDiskThatIsFullEndsTheSpreadAndNotTheProcess) {
  Rig rig;
  rig.local.merge_refusal = absl::ResourceExhaustedError("the disk is full");
  const ClientRequest put = With(Retry("v"), 3, QuorumMode::kStrict);
  auto reply = rig.Send(put);
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Found(Written(put)));
  EXPECT_EQ(rig.transport.CountTo<MergeRequest>(MemberId(5 - peer)), 1);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
  EXPECT_EQ((*reply)->outcome, Outcome::kUnknown);
}

TEST(Retry, P8WhatEnoughOwnersHoldAlreadyIsAckedAtOnceAndStillSpread) {
  Rig rig;
  const ClientRequest put = Retry("v");
  rig.local.records["k"] = Written(put);
  auto reply = rig.Send(put);
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->facts.durable, 2u);
  EXPECT_EQ(rig.transport.CountTo<MergeRequest>(MemberId(5 - peer)), 1);
}

// A replica whose record covers what comes answers within the call, and here that is W.
TEST(Retry, P8WhatWasFoundIsSpreadAlsoIfThisNodesCopyAloneIsW) {
  Rig rig;
  rig.local.answers_merges_at_once = true;
  const ClientRequest put = With(Retry("v"), 1);
  auto reply = rig.Send(put);
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Found(Written(put)));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_EQ(rig.transport.CountTo<MergeRequest>(MemberId(5 - peer)), 1) << "the other owner gets it, too";
}

TEST(Retry, P8ARetryThatFindsNothingMints) {
  Rig rig;
  auto reply = rig.Send(Retry("v"));
  rig.AnswerRead(rig.ReadPeer(), Absent());
  EXPECT_EQ(rig.local.mints, 1);
  rig.Ack(2);
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ(rig.local.commands[0].mutation.op_id, kOp);
}

TEST(Retry, P8TheSameOpIdForAnotherRequestIsRefused) {
  Rig rig;
  auto reply = rig.Send(Retry("another value"));
  rig.AnswerRead(rig.ReadPeer(), Found(Written(Retry("v"))));
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ((*reply)->status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  EXPECT_EQ(rig.local.mints, 0);
}

TEST(Retry, P13WithoutAReadQuorumNothingIsWritten) {
  Rig rig;
  auto reply = rig.Send(Retry("v"));
  rig.AnswerRead(rig.ReadPeer(), absl::UnavailableError("down"));
  rig.AnswerRead(rig.ReadPeer(), absl::UnavailableError("down"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_EQ((*reply)->outcome, Outcome::kNotApplied);
  EXPECT_THAT(std::string((*reply)->status.message()), HasSubstr("nothing was written"));
  EXPECT_EQ(rig.local.mints, 0);
}

TEST(Delete, WithAContextMintsATombstoneAtOnce) {
  Rig rig;
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 1, .value = "v"}});
  ClientRequest request = Delete();
  Context seen;
  seen.vv.Raise(MakeDot(2, 1).actor, 1);
  request.context = rig.Seal(seen);
  auto reply = rig.Send(request);
  EXPECT_EQ(rig.transport.Count<ReadRequest>(), 0);
  rig.Ack(2);
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ((*reply)->siblings, 0u);
  EXPECT_TRUE(rig.local.commands[0].mutation.tombstone);
  EXPECT_FALSE(rig.local.records["k"].HasLiveValue(0));
}

TEST(Delete, P38WithoutAContextCoversWhatAReadOfAQuorumShows) {
  Rig rig;
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 1, .value = "here"}});
  auto reply = rig.Send(Delete());
  const Object there = MakeObject({{.store = 3, .counter = 1, .value = "there"}});
  rig.AnswerRead(rig.ReadPeer(), Found(there));
  rig.Ack(2);
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  Object after = rig.local.records["k"];
  after.Merge(there);
  EXPECT_FALSE(after.HasLiveValue(0)) << "the version of the other owner is covered, too";
}

TEST(Delete, PassesOnADiskThatTakesNoMorePuts) {
  Rig rig;
  rig.local.admit_put = absl::ResourceExhaustedError("disk nearly full");
  ClientRequest request = Delete();
  request.context = rig.Seal({});
  auto reply = rig.Send(request);
  rig.Ack(2);
  EXPECT_TRUE((*reply)->status.ok());
  rig.local.admit_delete = absl::ResourceExhaustedError("disk full");
  auto refused = rig.Send(request);
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status));
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
}

TEST(Delete, P8ARetryOfADeleteThatIsFoundMintsNothing) {
  Rig rig;
  ClientRequest request = Delete();
  request.op_id = kOp;
  request.retry = true;
  auto reply = rig.Send(request);
  rig.AnswerRead(
      rig.ReadPeer(),
      Found(MakeObject(
          {{.store = 2, .counter = 1, .tombstone = true, .op_id = kOp, .request_hash = RequestHash(request)}})));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok());
  EXPECT_EQ(rig.local.mints, 0);
  EXPECT_EQ(rig.transport.Count<ReadRequest>(), 1) << "one read serves both questions";
}

}  // namespace
}  // namespace henge::coordinator_test
