// P9 at the replica: last-writer-wins buckets, their stamps and the floor of the clock.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/hlc.h"
#include "core/model/object_builder.h"
#include "node/stamp_reserve.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// The one bucket is of the last writer.
class ReplicaLww : public testing::Test {
 protected:
  ReplicaLww() {
    ClusterState state = rig_.ring->state();
    state.buckets[0].conflict = ConflictPolicy::kLastWriterWins;
    rig_.ring = std::make_shared<const Ring>(std::move(state));
    rig_.Restart();
  }

  int64_t WallMs() const { return rig_.clock.wall.time_since_epoch().count(); }
  uint64_t Wall(int64_t ahead_ms) const { return HybridClock::FromWall(WallMs() + ahead_ms); }

  std::shared_ptr<MintTrace> Put(std::string value, Context context = {}) {
    auto mint = rig_.Mint(std::move(value), std::move(context));
    rig_.loop.Run();
    return mint;
  }

  // A version of another node.
  static Object Foreign(std::string value, uint64_t hlc, uint64_t counter = 1) {
    Object object;
    ObjectBuilder::Add(object, {.dot = MakeDot(5, counter), .value = std::move(value), .hlc = hlc});
    return object;
  }

  void MergeIn(const Object& object) {
    auto merged = rig_.Merge(object);
    rig_.loop.Run();
    ASSERT_TRUE(merged->has_value() && (*merged)->ok());
  }

  std::string OnlyValue() const {
    const Object object = rig_.Durable();
    return object.siblings().size() == 1 ? object.siblings()[0].value : "not one";
  }

  ReplicaRig rig_;
};

TEST_F(ReplicaLww, P9ABlindWriteReplacesWhatIsThere) {
  Put("a");
  auto mint = Put("b");
  ASSERT_TRUE(mint->ok()) << mint->minted->status();
  EXPECT_EQ(mint->result().siblings_live, 1u);
  EXPECT_EQ(OnlyValue(), "b");
  EXPECT_TRUE(rig_.Durable().vv().Covers(mint->result().dot));
}

TEST_F(ReplicaLww, P9ABlindWriteWinsOverAVersionOfAFasterClock) {
  MergeIn(Foreign("fast", Wall(30'000)));
  ASSERT_TRUE(Put("later")->ok());
  EXPECT_EQ(OnlyValue(), "later");
}

TEST_F(ReplicaLww, P9AMintIsStampedAboveItsContext) {
  Context seen;
  seen.vv.Raise(MakeDot(5, 3).actor, 3);
  seen.hlc_max = Wall(20'000);
  ASSERT_TRUE(Put("next", seen)->ok());
  EXPECT_GT(rig_.Durable().siblings()[0].hlc, seen.hlc_max);
  MergeIn(Foreign("what was seen", seen.hlc_max, 3));
  EXPECT_EQ(OnlyValue(), "next");
}

TEST_F(ReplicaLww, P9AnOlderVersionIsMergedIntoTheVectorOnly) {
  Put("mine");
  MergeIn(Foreign("older", Wall(-5'000)));
  EXPECT_EQ(OnlyValue(), "mine");
  EXPECT_TRUE(rig_.Durable().vv().Covers(MakeDot(5, 1)));
  MergeIn(Foreign("newer", Wall(5'000), 2));
  EXPECT_EQ(OnlyValue(), "newer");
}

TEST_F(ReplicaLww, P9H45AStampTooFarAheadIsMergedButMovesNoClockAndTakesNoWrite) {
  MergeIn(Foreign("from the future", Wall(kHlcAheadMaxMs + 1'000)));
  EXPECT_EQ(OnlyValue(), "from the future") << "Merge never refuses: replicas must come together";
  EXPECT_EQ(rig_.replica->figures().stamps_ahead, 1u);
  auto mint = Put("swallowed?");
  ASSERT_TRUE(mint->minted.has_value());
  EXPECT_EQ(mint->minted->status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(mint->minted->status().message()), HasSubstr("ahead of this node's clock"));
  rig_.clock.wall += milliseconds(2'000);
  EXPECT_TRUE(Put("now")->ok()) << "the clock has come near enough";
  EXPECT_EQ(OnlyValue(), "now");
}

TEST_F(ReplicaLww, P9H45AContextTooFarAheadIsRefusedBeforeTheMint) {
  Context seen;
  seen.hlc_max = Wall(kHlcAheadMaxMs + 1'000);
  auto mint = Put("v", seen);
  EXPECT_EQ(mint->minted->status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(rig_.Durable().empty());
}

TEST_F(ReplicaLww, P9H45AClockThatWasSetBackFarIsSaidSo) {
  Put("a");
  rig_.clock.wall -= milliseconds(kHlcAheadMaxMs / 2);
  EXPECT_TRUE(Put("b")->ok());
  EXPECT_EQ(OnlyValue(), "b");
  rig_.engine.records.clear();
  rig_.clock.wall -= milliseconds(kHlcAheadMaxMs);
  auto mint = Put("c");
  EXPECT_EQ(mint->minted->status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(mint->minted->status().message()), HasSubstr("set back"));
}

TEST_F(ReplicaLww, P9TheFloorOfTheClockSurvivesARestart) {
  Put("a");
  const uint64_t before = rig_.Durable().siblings()[0].hlc;
  // The node comes back with its clock set back and without the record.
  rig_.engine.records.clear();
  rig_.clock.wall -= milliseconds(20'000);
  const auto floor = ReadStampFloor(rig_.engine, WallMs(), rig_.tracer);
  ASSERT_TRUE(floor.ok());
  EXPECT_GE(*floor, before);
  rig_.replica.reset();
  ShardEnvironment environment{rig_.clock, rig_.loop, rig_.random, rig_.transport, rig_.tracer};
  rig_.replica = std::make_unique<Replica>(MemberId(1), environment, rig_.engine, rig_.ring,
                                           StampStart{.shard = 0, .floor = *floor});
  ASSERT_TRUE(Put("b")->ok());
  EXPECT_GT(rig_.Durable().siblings()[0].hlc, before);
}

TEST_F(ReplicaLww, P9NoStampIsGivenBeforeItsCeilingIsDurable) {
  rig_.engine.hold_commits = true;
  auto mint = Put("a");
  EXPECT_FALSE(mint->minted.has_value()) << "the ceiling is on its way to the disk";
  rig_.engine.ReleaseCommits();
  rig_.loop.Run();
  EXPECT_TRUE(mint->ok());
  auto second = Put("b");
  EXPECT_TRUE(second->ok()) << "the ceiling lies some seconds ahead";
}

TEST_F(ReplicaLww, P9AFailedCeilingIsNotApplied) {
  rig_.engine.commit_error = absl::InternalError("no log");
  auto mint = Put("a");
  ASSERT_TRUE(mint->minted.has_value());
  EXPECT_FALSE(mint->minted->ok());
  EXPECT_EQ(rig_.replica->figures().mints, 0u);
}

TEST_F(ReplicaLww, P9AFloorTooFarAheadLeadsNoClock) {
  Put("a");
  rig_.clock.wall -= milliseconds(kHlcAheadMaxMs * 60);
  const auto floor = ReadStampFloor(rig_.engine, WallMs(), rig_.tracer);
  ASSERT_TRUE(floor.ok());
  EXPECT_EQ(*floor, 0u);
}

TEST_F(ReplicaLww, P1ADotCollisionIsCounted) {
  MergeIn(Foreign("a", Wall(0)));
  MergeIn(Foreign("b", Wall(0)));
  EXPECT_EQ(rig_.replica->figures().dot_collisions, 1u);
  EXPECT_EQ(OnlyValue(), "b");
}

}  // namespace
}  // namespace henge::node_test
