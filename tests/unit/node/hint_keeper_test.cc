// The keeper: what it takes, what it refuses, what it shows (P10-P12, P16, P17, P33, P34, P37).
#include "node/hints/hint_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

using ::testing::HasSubstr;

const Object kOne = MakeObject({{1, 1, "one"}});
const Object kTwo = MakeObject({{2, 1, "two"}});

// P16: the hint that is there was acknowledged: both stay.
TEST(HintKeeperTest, AHintEntersByMerge) {
  HintRig rig;
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kTwo)).ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
  EXPECT_TRUE(rig.Durable().Includes(kOne));
  EXPECT_TRUE(rig.Durable(rig.other).empty()) << "for nobody else";
}

TEST(HintKeeperTest, TwoHintsOfOneTurnFoldIntoOneAnother) {
  HintRig rig;
  auto first = rig.Store(rig.HintOf(kOne));
  auto second = rig.Store(rig.HintOf(kTwo));
  rig.loop.Run();
  EXPECT_TRUE((*first)->ok());
  EXPECT_TRUE((*second)->ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
}

// P11, H17: no answer before the sync; and a duplicate waits for what it equals.
TEST(HintKeeperTest, AnswersAreDurable) {
  HintRig rig;
  rig.store.hold_commits = true;
  auto first = rig.Store(rig.HintOf(kOne));
  rig.loop.Run();
  auto again = rig.Store(rig.HintOf(kOne));
  rig.loop.Run();
  EXPECT_FALSE(first->has_value());
  EXPECT_FALSE(again->has_value());
  rig.store.ReleaseCommits();
  rig.loop.Run();
  EXPECT_TRUE((*first)->ok());
  EXPECT_TRUE((*again)->ok());
  EXPECT_EQ(rig.keeper->figures().unchanged, 1u);
}

// P11: what equals a hint that is just being removed is a hint of its own.
TEST(HintKeeperTest, ADuplicateDuringTheRemovalIsWrittenAnew) {
  HintRig rig;
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
  rig.store.hold_commits = true;
  rig.keeper->shelf().Remove({rig.target, rig.key}, ObjectDigest(kOne.Encode()), [](const absl::StatusOr<bool>&) {});
  rig.loop.Run();
  auto again = rig.Store(rig.HintOf(kOne));
  rig.loop.Run();
  EXPECT_FALSE(again->has_value());
  rig.store.hold_commits = false;
  rig.store.ReleaseCommits();
  rig.loop.Run();
  ASSERT_TRUE(again->has_value());
  EXPECT_TRUE((*again)->ok());
  EXPECT_EQ(rig.Durable(), kOne) << "an acknowledged copy is there";
}

// P7: the coordinator learns what is known of its actor.
TEST(HintKeeperTest, TellsTheMintersCounter) {
  HintRig rig;
  HintRequest request = rig.HintOf(MakeObject({{1, 4, "one"}}));
  request.minter = MakeDot(1, 4).actor;
  auto answer = rig.Store(request);
  rig.loop.Run();
  EXPECT_EQ((*answer)->value().minter_counter, 4u);
  answer = rig.Store(request);
  rig.loop.Run();
  EXPECT_EQ((*answer)->value().minter_counter, 4u);
}

// P12: over all targets, and durable ones only.
TEST(HintKeeperTest, ReadsTheMergeOverAllTargets) {
  HintRig rig;
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kTwo, std::nullopt, rig.other)).ok());
  absl::StatusOr<ReadReply> read;
  rig.keeper->Read(rig.key, [&read](absl::StatusOr<ReadReply> reply) { read = std::move(reply); });
  rig.loop.Run();
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->found);
  EXPECT_EQ(Object::Decode(read->object)->siblings().size(), 2u);

  rig.store.hold_commits = true;
  rig.Store(rig.HintOf(MakeObject({{3, 1, "three"}})));
  rig.loop.Run();
  rig.keeper->Read(rig.key, [&read](absl::StatusOr<ReadReply> reply) { read = std::move(reply); });
  rig.loop.Run();
  EXPECT_EQ(Object::Decode(read->object)->siblings().size(), 2u) << "what is not durable is not shown";
}

// P33, H18.
TEST(HintKeeperTest, RefusesWhatIsOfAnotherLayout) {
  HintRig rig;
  HintRequest stale = rig.HintOf(kOne);
  stale.epoch = LayoutEpoch(stale.epoch.value() + 1);
  EXPECT_TRUE(absl::IsAborted(rig.StoreNow(stale)));
  MemberId stranger;
  for (const Member& member : rig.ring->state().members) {
    if (!rig.ring->IsOwner(rig.key.partition, member.id)) stranger = member.id;
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.StoreNow(rig.HintOf(kOne, std::nullopt, stranger))));
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.StoreNow(rig.HintOf(kOne, std::nullopt, MemberId(99)))))
      << "a member that was removed";
  const RecordKey mine = rig.KeyWith([&](PartitionId p) { return rig.ring->IsOwner(p, MemberId(1)); });
  const MemberId owner = rig.ring->Owners(mine.partition)[0];
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.StoreNow(rig.HintOf(kOne, mine, owner)))) << "an owner keeps records";
  EXPECT_EQ(rig.keeper->figures().fenced, 4u);
  EXPECT_TRUE(rig.store.hints.empty());
}

// P34.
TEST(HintKeeperTest, TellsDroppedBucketsFromUnknownOnes) {
  HintRig rig;
  RecordKey unknown = rig.key;
  unknown.bucket = BucketId(77);
  EXPECT_TRUE(absl::IsAborted(rig.StoreNow(rig.HintOf(kOne, unknown))));
  rig.ring = Changed(rig.ring, [](ClusterState* state) { state->buckets.clear(); });
  rig.keeper->UpdateRing(rig.ring);
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.StoreNow(rig.HintOf(kOne))));
}

// P18: a member that was removed. The layout of the partition may be the same to both.
TEST(HintKeeperTest, P18AHintForWhoIsNoMemberIsRefusedAndCounted) {
  HintRig rig;
  for (int i = 0; i < 3; ++i) {
    const absl::Status refused = rig.StoreNow(rig.HintOf(kOne, std::nullopt, MemberId(99)));
    EXPECT_TRUE(absl::IsFailedPrecondition(refused));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("member 99 is not in the cluster"));
  }
  EXPECT_EQ(rig.keeper->figures().refused_member, 3u);
  EXPECT_EQ(rig.tracer.events["HintForNoMemberRefused"], 1) << "said once a minute";
  EXPECT_TRUE(rig.store.hints.empty());
  rig.clock.now += std::chrono::minutes(2);
  EXPECT_FALSE(rig.StoreNow(rig.HintOf(kOne, std::nullopt, MemberId(99))).ok());
  EXPECT_EQ(rig.tracer.events["HintForNoMemberRefused"], 2);
  const RecordKey mine = rig.KeyWith([&rig](PartitionId p) { return rig.ring->IsOwner(p, MemberId(1)); });
  EXPECT_THAT(std::string(rig.StoreNow(rig.HintOf(kOne, mine, MemberId(99))).message()),
              HasSubstr("member 99 is not in the cluster"))
      << "who is gone is gone, whoever owns the key now";
  EXPECT_EQ(rig.keeper->figures().refused_member, 5u);
}

TEST(HintKeeperTest, GarbageIsRefusedAndHarmsNothing) {
  HintRig rig;
  HintRequest garbage = rig.HintOf(kOne);
  garbage.object = "no object at all";
  EXPECT_TRUE(absl::IsDataLoss(rig.StoreNow(garbage)));
  EXPECT_EQ(rig.keeper->figures().undecodable, 1u);
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
}

// P17: bounded bytes win.
TEST(HintKeeperTest, AFullStoreRefusesWhatWouldGrowIt) {
  HintRig rig(/*bytes_max=*/400);
  const Object large = MakeObject({{1, 1, std::string(150, 'x')}});
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(large)).ok());
  absl::Status refused = rig.StoreNow(rig.HintOf(large, std::nullopt, rig.other));
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("hints.bytes_max"));
  EXPECT_EQ(rig.tracer.events["HintStoreFull"], 1);
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(large)).ok()) << "what is there already is a copy";
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kTwo, std::nullopt, rig.other)).ok()) << "a small one has room";
  auto minted = rig.Mint(std::string(200, 'y'));
  rig.loop.Run();
  EXPECT_TRUE(absl::IsResourceExhausted(minted->minted->status()));
  // Removed ones make room.
  rig.keeper->shelf().Remove({rig.target, rig.key}, ObjectDigest(large.Encode()), [](const absl::StatusOr<bool>&) {});
  rig.loop.Run();
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(large)).ok());
}

// The bound holds for what is on its way, too.
TEST(HintKeeperTest, HintsUnderWayCountAgainstTheBound) {
  HintRig rig(/*bytes_max=*/400);
  rig.store.hold_commits = true;
  const Object large = MakeObject({{1, 1, std::string(150, 'x')}});
  rig.Store(rig.HintOf(large));
  rig.loop.Run();
  EXPECT_TRUE(absl::IsResourceExhausted(rig.StoreNow(rig.HintOf(large, std::nullopt, rig.other))));
}

// P37.
TEST(HintKeeperTest, ADiskThatIsShortOfRoomTakesDeletesOnly) {
  HintRig rig;
  rig.store.disk = DiskClass::kControlOnly;
  EXPECT_TRUE(absl::IsResourceExhausted(rig.StoreNow(rig.HintOf(kOne))));
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(MakeObject({{.store = 1, .counter = 1, .tombstone = true}}))).ok());
  rig.store.disk = DiskClass::kFull;
  EXPECT_TRUE(
      absl::IsResourceExhausted(rig.StoreNow(rig.HintOf(MakeObject({{.store = 2, .counter = 1, .tombstone = true}})))));
}

// H20: a restart knows what it holds, and for whom.
TEST(HintKeeperTest, ARestartCountsWhatIsThere) {
  HintRig rig;
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
  const HintFigures before = rig.keeper->figures();
  rig.Restart();
  const HintFigures after = rig.keeper->figures();
  ASSERT_EQ(after.pending.size(), 1u);
  EXPECT_EQ(after.pending[0].target, rig.target);
  EXPECT_EQ(after.pending[0].bytes, before.pending[0].bytes);
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kTwo)).ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 2u) << "the base is what the last run kept";
}

TEST(HintKeeperTest, ServesPeers) {
  HintRig rig;
  absl::StatusOr<PeerReply> reply;
  auto ask = [&](PeerRequest request, Duration left = std::chrono::seconds(1)) {
    rig.keeper->HandlePeer(rig.other, std::move(request), rig.clock.now + left,
                           [&reply](absl::StatusOr<PeerReply> r) { reply = std::move(r); });
    rig.loop.Run();
    return reply.status();
  };
  EXPECT_TRUE(ask(rig.HintOf(kOne)).ok());
  EXPECT_TRUE(std::holds_alternative<HintReply>(*reply));
  ReadRequest read{.key = rig.key, .epoch = rig.ring->Epoch(rig.key.partition), .from_hints = true};
  EXPECT_TRUE(ask(read).ok());
  EXPECT_EQ(std::get<ReadReply>(*reply).object, kOne.Encode());
  read.known_digest = ObjectDigest(kOne.Encode());
  EXPECT_TRUE(ask(read).ok());
  EXPECT_TRUE(std::get<ReadReply>(*reply).same);
  EXPECT_TRUE(absl::IsDeadlineExceeded(ask(read, Duration{0})));
  read.epoch = LayoutEpoch(99);
  EXPECT_TRUE(absl::IsAborted(ask(read)));
}

}  // namespace
}  // namespace henge::node_test
