#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Text(const ClientReply& reply) { return std::string(reply.status.message()); }

// Object v1, and v2 that supersedes it.
const Object kOld = MakeObject({{.store = 2, .counter = 1, .value = "old"}});
const Object kNew = [] {
  Object object = MakeObject({{.store = 2, .counter = 2, .value = "new"}});
  return object;
}();

TEST(Get, AsksOneOtherOwnerWithTheDigestOfTheLocalRecord) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  ASSERT_EQ(rig.transport.sent.size(), 1u) << "R - 1 owners, not all";
  const auto& request = std::get<ReadRequest>(rig.transport.sent[0].request);
  EXPECT_EQ(request.known_digest, ObjectDigest(kNew.Encode()));
  EXPECT_EQ(request.epoch, rig.ring->Epoch(request.key.partition));
  EXPECT_FALSE(reply->has_value()) << "one answer is no quorum";

  rig.AnswerRead(rig.ReadPeer(), Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE((*reply)->status.ok()) << (*reply)->status;
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->siblings, 1u);
  EXPECT_EQ((*reply)->facts.needed, 2u);
  EXPECT_EQ((*reply)->facts.answered, 2u);
  EXPECT_EQ((*reply)->facts.stale, 0u);
  EXPECT_EQ((*reply)->facts.coordinator, MemberId(1));
  EXPECT_EQ((*reply)->facts.state_version, rig.ring->version());
  EXPECT_TRUE(rig.Open((*reply)->context).vv.Covers(MakeDot(2, 2)));
  EXPECT_EQ(rig.transport.sent.size(), 1u) << "nobody was behind, nobody is repaired";
  EXPECT_EQ(rig.local.merges, 0);
  EXPECT_FALSE(rig.loop.has_timers()) << "the round's timer went with it";
}

TEST(Get, WithROfOneAnswersFromTheLocalRecordAlone) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(With(Get(), 1));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_TRUE(rig.transport.sent.empty());
}

TEST(Get, NotFoundCarriesAContext) {
  Rig rig;
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 4, .tombstone = true}});
  auto reply = rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsNotFound((*reply)->status));
  EXPECT_TRUE(rig.Open((*reply)->context).vv.Covers(MakeDot(2, 4)));
  EXPECT_EQ((*reply)->facts.answered, 2u);

  auto absent = rig.Send(With(Get("nothing"), 1));
  EXPECT_TRUE(absl::IsNotFound((*absent)->status));
  EXPECT_FALSE((*absent)->context.empty());
}

TEST(Get, ConcurrentVersionsComeBackTogetherInCanonicalOrder) {
  Rig rig;
  rig.local.records["k"] = MakeObject({{.store = 3, .counter = 1, .value = "b"}});
  auto reply = rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), Found(MakeObject({{.store = 2, .counter = 1, .value = "a"}})));
  EXPECT_THAT((*reply)->values, ElementsAre("a", "b"));
  EXPECT_EQ((*reply)->facts.stale, 2u) << "each lacked what the other had";
}

TEST(Get, RepairsExactlyThePeerThatWasBehind) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  const uint32_t peer = rig.ReadPeer();
  rig.AnswerRead(peer, Found(kOld));
  ASSERT_TRUE(reply->has_value()) << "the repair is not waited for";
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.stale, 1u);
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 1);
  const auto open = rig.transport.Open<MergeRequest>(MemberId(peer));
  ASSERT_EQ(open.size(), 1u);
  const auto& repair = std::get<MergeRequest>(rig.transport.sent[open[0]].request);
  EXPECT_EQ(repair.object, kNew.Encode());
  EXPECT_FALSE(repair.minter.has_value());
  EXPECT_EQ(rig.local.merges, 0);
  EXPECT_EQ(rig.coordinator->figures().read_repairs, 1u);
}

TEST(Get, H49RepairsUnderWayAreBoundedInBytes) {
  Rig rig;
  const std::string large(1 << 20, 'v');
  rig.local.records["k"] = MakeObject({{.store = 2, .counter = 2, .value = large}});
  uint32_t peer = 0;
  for (int i = 0; i < 40; ++i) {
    auto reply = rig.Send(Get());
    peer = rig.ReadPeer();
    rig.AnswerRead(peer, Absent());
    ASSERT_TRUE(reply->has_value());
  }
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 15) << "16 MiB";
  rig.Ack(peer);
  rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), Absent());
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 16) << "an end makes room";
}

TEST(Get, RepairsTheLocalRecordIfThatWasBehind) {
  Rig rig;
  auto reply = rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), Found(kNew));
  rig.loop.Run();
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ(rig.local.merges, 1);
  EXPECT_EQ(rig.local.records["k"], kNew);
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 0);
}

TEST(Get, ARecordThatIsOnlyOnTheDiskDoesNotHoldUpThePeers) {
  Rig rig;
  rig.local.records["k"] = kNew;
  rig.local.on_disk = true;
  auto reply = rig.Send(Get());
  ASSERT_EQ(rig.transport.sent.size(), 1u);
  EXPECT_FALSE(std::get<ReadRequest>(rig.transport.sent[0].request).known_digest.has_value());
  rig.AnswerRead(rig.ReadPeer(), Found(kNew));
  EXPECT_FALSE(reply->has_value());
  rig.local.ReleaseReads();
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.stale, 0u);
}

TEST(Get, HedgesAroundASlowDisk) {
  Rig rig;
  rig.local.records["k"] = kNew;
  rig.local.on_disk = true;
  auto reply = rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), Found(kNew));
  rig.loop.Pass(milliseconds(20));
  rig.AnswerRead(rig.ReadPeer(), Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  rig.local.ReleaseReads();
}

TEST(Get, ABrokenLocalRecordIsAFailureAndNeverAbsence) {
  Rig rig;
  rig.local.read_error = absl::DataLossError("checksum");
  auto reply = rig.Send(Get());
  EXPECT_EQ(rig.transport.sent.size(), 2u) << "both others are needed now";
  rig.AnswerRead(2, Absent());
  EXPECT_FALSE(reply->has_value()) << "one absence is no quorum of two";
  rig.AnswerRead(3, Found(kNew));
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.answered, 2u);
  EXPECT_EQ(rig.local.merges, 0) << "nothing is merged onto what can't be read";
}

TEST(Get, AnUndecodableAnswerIsThatReplicasFailure) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  const uint32_t first = rig.ReadPeer();
  rig.AnswerRead(first, ReadReply{.found = true, .object = "garbage"});
  const uint32_t second = rig.ReadPeer();
  EXPECT_EQ(second, 5 - first);
  rig.AnswerRead(second, Same());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
}

TEST(Get, AFailedPeerIsReplacedByTheNextOwnerAtOnce) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  const uint32_t first = rig.ReadPeer();
  rig.AnswerRead(first, absl::UnavailableError("connection refused"));
  rig.AnswerRead(5 - first, Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ(rig.coordinator->figures().hedges, 0u);
}

TEST(Get, P39AFullQueueTowardsAPeerIsThatReplicasFailure) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  const uint32_t first = rig.ReadPeer();
  rig.AnswerRead(first, absl::ResourceExhaustedError("the queue to the peer is full"));
  ASSERT_FALSE(reply->has_value()) << "not the client's error";
  rig.AnswerRead(5 - first, absl::ResourceExhaustedError("the queue to the peer is full"));
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status)) << (*reply)->status;
}

TEST(Get, WithoutAQuorumSaysWhoAnsweredWhat) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(Get());
  rig.AnswerRead(rig.ReadPeer(), absl::UnavailableError("connection refused"));
  rig.AnswerRead(rig.ReadPeer(), absl::AbortedError("stale layout epoch"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_THAT(Text(**reply), HasSubstr("1 of 2 needed owners answered"));
  EXPECT_THAT(Text(**reply), HasSubstr("n1: answered"));
  EXPECT_THAT(Text(**reply), HasSubstr("connection refused"));
  EXPECT_THAT(Text(**reply), HasSubstr("stale layout epoch"));
  EXPECT_EQ((*reply)->facts.answered, 1u);
  EXPECT_EQ(rig.coordinator->figures().quorum_failures, 1u);
}

TEST(Get, EndsAtItsDeadlineSayingWhoDidNotAnswer) {
  Rig rig;
  ClientRequest request = Get();
  request.budget = milliseconds(50);
  auto reply = rig.Send(request);
  EXPECT_EQ(rig.transport.sent[0].deadline, rig.clock.now + milliseconds(50)) << "deadlines travel";
  rig.loop.Pass(milliseconds(49));
  EXPECT_FALSE(reply->has_value());
  rig.loop.Pass(milliseconds(1));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*reply)->status));
  EXPECT_THAT(Text(**reply), HasSubstr("n2: no answer"));
  EXPECT_EQ(rig.coordinator->figures().deadline_exceeded, 1u);
  EXPECT_FALSE(rig.loop.has_timers());
  rig.AnswerRead(2, Found(kNew));
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 0) << "nothing is left to repair";
}

TEST(Get, P14AStrictReadWaitsUntilEnoughOwnersHoldWhatItAnswers) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(With(Get(), 2, QuorumMode::kStrict));
  rig.AnswerRead(rig.ReadPeer(), Found(kOld));
  EXPECT_FALSE(reply->has_value()) << "only this node holds the new record";
  rig.Ack(2);
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
  EXPECT_EQ((*reply)->facts.stale, 1u);
}

TEST(Get, P14AStrictReadOfEqualRecordsNeedsNoRepair) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(With(Get(), 2, QuorumMode::kStrict));
  rig.AnswerRead(rig.ReadPeer(), Same());
  ASSERT_TRUE(reply->has_value());
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 0);
}

TEST(Get, P14AStrictReadOfOneOwnerStillLeavesTheRecordOnAll) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(With(Get(), 1, QuorumMode::kStrict));
  rig.Ack(2);
  EXPECT_FALSE(reply->has_value());
  rig.Ack(3);
  ASSERT_TRUE(reply->has_value());
  EXPECT_THAT((*reply)->values, ElementsAre("new"));
}

TEST(Get, P14AStrictReadThatCantSpreadItsAnswerIsUnavailable) {
  Rig rig;
  rig.local.records["k"] = kNew;
  auto reply = rig.Send(With(Get(), 2, QuorumMode::kStrict));
  rig.AnswerRead(rig.ReadPeer(), Found(kOld));
  rig.AnswerMerge(2, absl::UnavailableError("down"));
  EXPECT_FALSE(reply->has_value());
  rig.AnswerMerge(3, absl::UnavailableError("down"));
  ASSERT_TRUE(reply->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*reply)->status));
  EXPECT_TRUE((*reply)->values.empty()) << "what was not spread is not shown";
  EXPECT_THAT(Text(**reply), HasSubstr("n2: UNAVAILABLE: down"));
}

}  // namespace
}  // namespace henge::coordinator_test
