// A fallback that coordinates: onto all its hints, in a new epoch each time, in one step (P2-P6, P8, P9, P12).
#include <gtest/gtest.h>

#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

const Object kOne = MakeObject({{1, 1, "one"}});
const Object kTwo = MakeObject({{2, 1, "two"}});

TEST(HintMintTest, MintsOntoTheMergeOfAllHints) {
  HintRig rig;
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOne)).ok());
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kTwo, std::nullopt, rig.other)).ok());
  auto trace = rig.Mint("blind");
  rig.loop.Run();
  ASSERT_TRUE(trace->ok());
  EXPECT_TRUE(trace->durable->ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 3u);
  EXPECT_EQ(*trace->result().object, rig.Durable().Encode());
  EXPECT_EQ(rig.Durable(rig.other), kTwo) << "the other target's is as it was";
}

// P12: without the epoch, a mint after the hint was delivered would make the same dot again.
TEST(HintMintTest, OpensAnEpochAtEachMint) {
  HintRig rig;
  auto first = rig.Mint("one");
  rig.loop.Run();
  const Dot before = first->result().dot;
  EXPECT_EQ(before.counter, 1u);
  auto second = rig.Mint("two");
  rig.loop.Run();
  EXPECT_GT(second->result().dot.actor.epoch, before.actor.epoch);
  EXPECT_EQ(second->result().dot.counter, 1u);
  // Delivered and gone: nothing here remembers the dots.
  rig.store.hints.clear();
  rig.Restart();
  auto third = rig.Mint("three");
  rig.loop.Run();
  EXPECT_NE(third->result().dot.actor.lifetime, before.actor.lifetime);
}

TEST(HintMintTest, TwoMintsOfOneTurnFoldAndDiffer) {
  HintRig rig;
  rig.store.hold_commits = true;
  auto first = rig.Mint("one");
  auto second = rig.Mint("two");
  rig.loop.Run();
  ASSERT_TRUE(first->ok());
  ASSERT_TRUE(second->ok());
  EXPECT_FALSE(first->durable.has_value());
  EXPECT_NE(first->result().dot, second->result().dot);
  rig.store.ReleaseCommits();
  rig.loop.Run();
  EXPECT_TRUE(second->durable->ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
}

// P2: the client's context is joined.
TEST(HintMintTest, TheContextReplacesWhatItCovers) {
  HintRig rig;
  auto first = rig.Mint("one");
  rig.loop.Run();
  ASSERT_TRUE(first->result().next_context.has_value());
  auto second = rig.Mint("two", *first->result().next_context);
  rig.loop.Run();
  ASSERT_TRUE(second->ok());
  ASSERT_EQ(rig.Durable().siblings().size(), 1u);
  EXPECT_EQ(rig.Durable().siblings()[0].value, "two");
}

TEST(HintMintTest, ARetryFindsWhatItMade) {
  HintRig rig;
  const OpId op{7, 8};
  auto first = rig.Mint("one", {}, op);
  rig.loop.Run();
  auto again = rig.Mint("one", {}, op, rig.other);
  rig.loop.Run();
  ASSERT_TRUE(again->ok());
  EXPECT_TRUE(again->result().found);
  EXPECT_EQ(again->result().dot, first->result().dot);
  EXPECT_TRUE(again->durable->ok());
  EXPECT_EQ(rig.Durable(rig.other), rig.Durable()) << "and is kept for the target that is asked for";
  auto misuse = rig.Mint("another", {}, op);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsInvalidArgument(misuse->minted->status()));
}

// H12.
TEST(HintMintTest, AContextOfWhatWasNeverMintedIsRefused) {
  HintRig rig;
  auto first = rig.Mint("one");
  rig.loop.Run();
  Context forged;
  Dot dot = first->result().dot;
  forged.vv.Raise(dot.actor, 2);
  auto refused = rig.Mint("two", forged);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsInvalidArgument(refused->minted->status()));
  // One of a hint that was delivered and removed is good.
  rig.store.hints.clear();
  Context old;
  old.vv.Raise(dot.actor, dot.counter);
  auto good = rig.Mint("three", old);
  rig.loop.Run();
  EXPECT_TRUE(good->ok());
}

TEST(HintMintTest, RefusesBeforeTheMint) {
  HintRig rig;
  auto late = rig.Mint("late");
  rig.store.found.clear();
  rig.clock.now += std::chrono::seconds(6);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late->minted->status()));
  EXPECT_FALSE(late->durable.has_value());

  MemberId stranger(99);
  auto wrong = rig.Mint("wrong", {}, {}, stranger);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsUnavailable(wrong->minted->status()));

  rig.store.disk = DiskClass::kFull;
  auto full = rig.Mint("full");
  rig.loop.Run();
  EXPECT_TRUE(absl::IsResourceExhausted(full->minted->status()));
  EXPECT_TRUE(rig.store.hints.empty());
}

// P6: a commit that fails after the mint closes the lifetime.
TEST(HintMintTest, AFailedCommitClosesTheLifetime) {
  HintRig rig;
  rig.store.put_error = absl::InternalError("can't read what is there");
  auto failed = rig.Mint("one");
  rig.loop.Run();
  ASSERT_TRUE(failed->ok());
  EXPECT_FALSE(failed->durable->ok());
  EXPECT_EQ(rig.tracer.events["LifetimeClosed"], 1);
  rig.store.put_error = absl::OkStatus();
  auto next = rig.Mint("two");
  rig.loop.Run();
  EXPECT_NE(next->result().dot.actor.lifetime, failed->result().dot.actor.lifetime);
}

// P9: stamped above what the client saw, below a durable ceiling; and the newest alone stays.
TEST(HintMintTest, LastWriterWinsIsStamped) {
  HintRig rig;
  rig.ring = Changed(rig.ring, [](ClusterState* state) {
    for (Bucket& bucket : state->buckets) bucket.conflict = ConflictPolicy::kLastWriterWins;
  });
  rig.keeper->UpdateRing(rig.ring);
  auto first = rig.Mint("one");
  rig.loop.Run();
  ASSERT_TRUE(first->ok());
  Context seen;
  seen.vv.Raise(first->result().dot.actor, first->result().dot.counter);
  seen.hlc_max = rig.Durable().MaxHlc() + 1000;
  auto second = rig.Mint("two", seen);
  rig.loop.Run();
  ASSERT_TRUE(second->ok());
  ASSERT_EQ(rig.Durable().siblings().size(), 1u);
  EXPECT_EQ(rig.Durable().siblings()[0].value, "two");
  EXPECT_GT(rig.Durable().MaxHlc(), seen.hlc_max);
  seen.hlc_max = HybridClock::FromWall(1'750'000'000'000 + 2 * kHlcAheadMaxMs);
  auto ahead = rig.Mint("three", seen);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsUnavailable(ahead->minted->status()));
}

}  // namespace
}  // namespace henge::node_test
