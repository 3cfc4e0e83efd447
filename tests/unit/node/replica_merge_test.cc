#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/object_builder.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

using testing::ElementsAre;

const Object kOld = MakeObject({{.store = 2, .counter = 1, .value = "old"}});
const Object kNew = MakeObject({{.store = 2, .counter = 2, .value = "new"}});
const Object kOther = MakeObject({{.store = 3, .counter = 1, .value = "other"}});

TEST(ReplicaMerge, P11IsAckedWhenTheResultIsDurable) {
  ReplicaRig rig;
  rig.engine.hold_commits = true;
  auto answer = rig.Merge(kNew, MakeDot(2, 2).actor);
  rig.loop.Run();
  EXPECT_FALSE(answer->has_value());
  rig.engine.ReleaseCommits();
  rig.loop.Run();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->value().minter_counter, 2u);
  EXPECT_EQ(rig.Durable(), kNew);
}

TEST(ReplicaMerge, P11ADuplicateWaitsForTheCopyThatItEquals) {
  ReplicaRig rig;
  rig.engine.hold_commits = true;
  auto first = rig.Merge(kNew);
  rig.loop.Run();
  auto duplicate = rig.Merge(kNew, MakeDot(2, 2).actor);
  rig.loop.Run();
  EXPECT_FALSE(duplicate->has_value()) << "what it equals may yet be lost";
  rig.engine.ReleaseCommits();
  rig.loop.Run();
  ASSERT_TRUE(duplicate->has_value());
  EXPECT_EQ((*duplicate)->value().minter_counter, 2u);
  EXPECT_EQ(rig.engine.commits, 1);
  auto third = rig.Merge(kOld);
  rig.loop.Run();
  EXPECT_TRUE(third->has_value()) << "durable already";
  EXPECT_EQ(rig.engine.commits, 1);
  EXPECT_EQ(rig.replica->figures().merges_without_change, 2u);
}

TEST(ReplicaMerge, H25AnOlderRecordNeverOverwritesANewerOne) {
  ReplicaRig rig;
  rig.Merge(kNew);
  rig.loop.Run();
  rig.Merge(kOld);
  rig.loop.Run();
  EXPECT_EQ(rig.Durable(), kNew);
}

TEST(ReplicaMerge, ConcurrentRecordsAreBothKept) {
  ReplicaRig rig;
  rig.Merge(kNew);
  rig.Merge(kOther);
  rig.loop.Run();
  Object both = kNew;
  both.Merge(kOther);
  EXPECT_EQ(rig.Durable(), both);
}

TEST(ReplicaMerge, P7TheAckCarriesWhatThisReplicaKnowsOfTheMinter) {
  ReplicaRig rig;
  rig.Merge(kNew);
  rig.loop.Run();
  auto answer = rig.Merge(kOld, MakeDot(2, 1).actor);
  rig.loop.Run();
  EXPECT_EQ((*answer)->value().minter_counter, 2u) << "more than the merged record shows";
}

TEST(ReplicaMerge, P4TheMarkStaysWithTheRecordAndTheNextMintGoesOnFromIt) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  rig.Merge(kOther);
  rig.loop.Run();
  auto second = rig.Mint("b");
  rig.loop.Run();
  EXPECT_EQ(second->result().dot.actor, first->result().dot.actor);
  EXPECT_EQ(second->result().dot.counter, 2u);
}

TEST(ReplicaMerge, P7ARecordWithUnknownVersionsOfThisRunClosesTheLifetime) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  Object ahead = rig.Durable();
  ObjectBuilder::Add(ahead, {.dot = {first->result().dot.actor, 5}, .value = "from a clone"});
  rig.Merge(ahead);
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 1u);
  auto next = rig.Mint("b");
  rig.loop.Run();
  EXPECT_NE(next->result().dot.actor.lifetime, first->result().dot.actor.lifetime);
}

TEST(ReplicaMerge, OwnVersionsThatComeBackAreNoAmnesia) {
  ReplicaRig rig;
  rig.Mint("a");
  rig.Mint("b");
  rig.loop.Run();
  rig.Merge(rig.Durable());
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 0u);
}

TEST(ReplicaMerge, H10EqualDotsWithDifferentBytesAreBothKeptAndAlarmedOnce) {
  ReplicaRig rig;
  rig.Merge(kNew);
  rig.loop.Run();
  rig.Merge(MakeObject({{.store = 2, .counter = 2, .value = "another"}}));
  rig.loop.Run();
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
  EXPECT_EQ(rig.replica->figures().dot_collisions, 1u);
  EXPECT_EQ(rig.tracer.events["DotCollision"], 1);
  rig.Merge(kOther);
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().dot_collisions, 1u);
}

TEST(ReplicaMerge, P35AnUndecodableObjectIsRefusedAloneAndCounted) {
  ReplicaRig rig;
  MergeRequest garbage = rig.MergeOf(kNew);
  garbage.object = "garbage";
  std::optional<absl::Status> refused;
  rig.replica->Merge(garbage, [&refused](absl::StatusOr<MergeReply> reply) { refused = reply.status(); });
  auto good = rig.Merge(kNew);
  rig.loop.Run();
  ASSERT_TRUE(refused.has_value());
  EXPECT_TRUE(absl::IsDataLoss(*refused)) << *refused;
  EXPECT_TRUE((*good)->ok());
  EXPECT_EQ(rig.replica->figures().undecodable, 1u);
}

TEST(ReplicaMerge, H44AMergeOntoAnUnreadableRecordIsAnError) {
  ReplicaRig rig;
  rig.engine.unreadable.insert("k");
  auto answer = rig.Merge(kNew);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsDataLoss((*answer)->status()));
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaMerge, P37ANearlyFullDiskTakesOnlyRecordsWithoutValues) {
  ReplicaRig rig;
  rig.engine.disk = DiskClass::kControlOnly;
  auto refused = rig.Merge(kNew);
  auto tombstone = rig.Merge(MakeObject({{.store = 2, .counter = 3, .tombstone = true}}));
  rig.loop.Run();
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status()));
  EXPECT_TRUE((*tombstone)->ok());
  rig.engine.disk = DiskClass::kFull;
  auto full = rig.Merge(MakeObject({{.store = 2, .counter = 4, .tombstone = true}}));
  rig.loop.Run();
  EXPECT_TRUE(absl::IsResourceExhausted((*full)->status()));
}

// ---- Peers
// ------------------------------------------------------------------------------------------------------------

ReadRequest ReadOf(const ReplicaRig& rig) {
  const RecordKey key = Key("k");
  return {.key = key, .epoch = rig.ring->Epoch(key.partition)};
}

TEST(ReplicaPeer, P5AReadShowsDurableRecordsOnly) {
  ReplicaRig rig;
  rig.engine.hold_commits = true;
  rig.Merge(kNew);
  rig.loop.Run();
  auto early = rig.Peer(ReadOf(rig));
  EXPECT_FALSE(std::get<ReadReply>((*early)->value()).found);
  rig.engine.ReleaseCommits();
  rig.loop.Run();
  auto late = rig.Peer(ReadOf(rig));
  EXPECT_EQ(std::get<ReadReply>((*late)->value()).object, kNew.Encode());
}

TEST(ReplicaPeer, AnEqualRecordIsAnsweredAsSame) {
  ReplicaRig rig;
  rig.Merge(kNew);
  rig.loop.Run();
  ReadRequest request = ReadOf(rig);
  request.known_digest = ObjectDigest(kNew.Encode());
  auto same = rig.Peer(request);
  EXPECT_TRUE(std::get<ReadReply>((*same)->value()).same);
  EXPECT_TRUE(std::get<ReadReply>((*same)->value()).object.empty());
  request.known_digest = ObjectDigest(kOld.Encode());
  auto other = rig.Peer(request);
  EXPECT_FALSE(std::get<ReadReply>((*other)->value()).same);
  EXPECT_EQ(std::get<ReadReply>((*other)->value()).object, kNew.Encode());
}

TEST(ReplicaPeer, P33RequestsOfAnotherLayoutEpochAreFenced) {
  ReplicaRig rig;
  ReadRequest read = ReadOf(rig);
  read.epoch = LayoutEpoch(read.epoch.value() + 1);
  EXPECT_TRUE(absl::IsAborted((*rig.Peer(read))->status()));
  MergeRequest merge = rig.MergeOf(kNew);
  merge.epoch = LayoutEpoch(0);
  EXPECT_TRUE(absl::IsAborted((*rig.Peer(merge))->status()));
  EXPECT_EQ(rig.replica->figures().fenced, 2u);
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaPeer, P33AnEpochThatChangesWhileTheBaseIsReadFencesTheMerge) {
  ReplicaRig rig;
  rig.engine.on_disk = true;
  auto answer = rig.Peer(rig.MergeOf(kNew));
  ClusterState next = rig.ring->state();
  next.version = StateVersion(2);
  for (LayoutEpoch& epoch : next.epochs) epoch = LayoutEpoch(2);
  rig.replica->UpdateRing(std::make_shared<const Ring>(std::move(next)));
  rig.engine.ReleaseReads();
  rig.loop.Run();
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE(absl::IsAborted((*answer)->status()));
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaPeer, RefusesWhatItDoesNotOwnOrCannotBe) {
  ReplicaRig rig(5);
  ReadRequest foreign;
  for (int i = 0; foreign.key.key.empty() || rig.ring->IsOwner(foreign.key.partition, MemberId(1)); ++i) {
    foreign = {.key = Key(absl::StrCat("key", i)), .epoch = LayoutEpoch(1)};
  }
  EXPECT_EQ((*rig.Peer(foreign))->status().code(), absl::StatusCode::kFailedPrecondition);

  ReadRequest beyond = ReadOf(rig);
  beyond.key.partition = PartitionId(20000);
  EXPECT_EQ((*rig.Peer(beyond))->status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ((*rig.Peer(ScanRequest{.partition = PartitionId(65535)}))->status().code(),
            absl::StatusCode::kInvalidArgument);

  ReadRequest bucket = ReadOf(rig);
  bucket.key.bucket = BucketId(99);
  EXPECT_EQ((*rig.Peer(bucket))->status().code(), absl::StatusCode::kAborted) << "P34: catch up first";
  bucket.key.bucket = BucketId(0);
  EXPECT_EQ((*rig.Peer(bucket))->status().code(), absl::StatusCode::kFailedPrecondition) << "P34: dropped for good";
  ReadRequest empty = ReadOf(rig);
  empty.key.key.clear();
  EXPECT_EQ((*rig.Peer(empty))->status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReplicaPeer, P34ABucketThatIsDroppedWhileAWriteWaitsTakesNothingMore) {
  ReplicaRig rig;
  rig.engine.on_disk = true;
  auto mint = rig.Mint("v");
  auto merge = rig.Merge(MakeObject({{.store = 5, .counter = 1, .value = "v"}}));
  rig.loop.Run();
  ClusterState dropped = rig.ring->state();
  dropped.buckets.clear();
  rig.ring = std::make_shared<const Ring>(std::move(dropped));
  rig.replica->UpdateRing(rig.ring);
  rig.engine.ReleaseReads();
  rig.loop.Run();
  ASSERT_TRUE(mint->minted.has_value() && merge->has_value());
  EXPECT_EQ(mint->minted->status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*merge)->status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(rig.Durable().empty());
}

TEST(ReplicaPeer, WorkPastItsDeadlineIsDropped) {
  ReplicaRig rig;
  std::optional<absl::Status> status;
  rig.replica->HandlePeer(MemberId(2), rig.MergeOf(kNew), rig.clock.now,
                          [&status](absl::StatusOr<PeerReply> reply) { status = reply.status(); });
  rig.loop.Run();
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(*status));
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaPeer, AScanPagesByBytes) {
  ReplicaRig rig;
  for (const char* key : {"{t}a", "{t}b", "{t}c"}) {
    rig.engine.records[Key(key)] = {.object = kNew.Encode()};
  }
  const PartitionId partition = PartitionOf("{t}a");
  ScanRequest scan{.partition = partition, .epoch = rig.ring->Epoch(partition), .bytes_max = 1};
  std::vector<std::string> keys;
  for (int pages = 0; pages < 10; ++pages) {
    auto answer = rig.Peer(scan);
    const auto& page = std::get<ScanReply>((*answer)->value());
    for (const ScannedRecord& item : page.items) keys.push_back(item.key.key);
    if (page.done) break;
    scan.cursor = page.cursor;
  }
  EXPECT_THAT(keys, ElementsAre("{t}a", "{t}b", "{t}c"));
}

TEST(ReplicaPeer, AScanThatEndsAfterTheReplicaTouchesNothing) {
  ReplicaRig rig;
  const PartitionId partition = PartitionOf("k");
  bool answered = false;
  rig.replica->HandlePeer(MemberId(2), ScanRequest{.partition = partition, .epoch = rig.ring->Epoch(partition)},
                          rig.clock.now + std::chrono::seconds(1),
                          [&answered](absl::StatusOr<PeerReply>) { answered = true; });
  rig.replica.reset();
  rig.loop.Run();
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace henge::node_test
