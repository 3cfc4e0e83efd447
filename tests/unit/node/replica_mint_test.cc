#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/limits.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

Context Seen(const Object& object) { return {object.vv(), object.MaxHlc()}; }

TEST(ReplicaMint, AnswersAtTheMintAndAgainWhenTheCopyIsDurable) {
  ReplicaRig rig;
  rig.engine.hold_commits = true;
  auto mint = rig.Mint("v");
  rig.loop.Run();
  ASSERT_TRUE(mint->ok());
  EXPECT_FALSE(mint->durable.has_value());
  EXPECT_EQ(mint->result().dot.actor.store, StoreId(77));
  EXPECT_EQ(mint->result().dot.counter, 1u);
  EXPECT_EQ(mint->result().siblings_live, 1u);
  EXPECT_TRUE(mint->result().next_context->vv.Covers(mint->result().dot));
  rig.engine.ReleaseCommits();
  rig.loop.Run();
  ASSERT_TRUE(mint->durable.has_value());
  EXPECT_TRUE(mint->durable->ok());
  EXPECT_EQ(rig.Durable().Encode(), *mint->result().object);
  EXPECT_EQ(rig.engine.records[Key("k")].mark, (Mark{mint->result().dot.actor.lifetime, 1, 1}));
}

TEST(ReplicaMint, P5MintsOfOneTurnFoldOneAfterAnother) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  auto second = rig.Mint("b");
  auto third = rig.Mint("c");
  rig.loop.Run();
  EXPECT_EQ(first->result().dot.counter, 1u);
  EXPECT_EQ(second->result().dot.counter, 2u);
  EXPECT_EQ(third->result().dot.counter, 3u);
  EXPECT_EQ(rig.Durable().siblings().size(), 3u);
  EXPECT_EQ(rig.engine.commits, 1) << "one batch";
  EXPECT_TRUE(first->durable->ok() && second->durable->ok() && third->durable->ok());
}

TEST(ReplicaMint, P5AMintRestsOnWhatIsNotYetDurable) {
  ReplicaRig rig;
  rig.engine.hold_commits = true;
  auto first = rig.Mint("a");
  rig.loop.Run();
  auto second = rig.Mint("b");
  rig.loop.Run();
  EXPECT_EQ(second->result().dot.counter, 2u);
  EXPECT_EQ(second->result().siblings_live, 2u);
}

TEST(ReplicaMint, P2TheContextIsJoinedBeforeTheMint) {
  ReplicaRig rig;
  Context client;
  client.vv.Raise(MakeDot(5, 1).actor, 9);
  auto mint = rig.Mint("v", client);
  rig.loop.Run();
  EXPECT_TRUE(rig.Durable().vv().Covers(MakeDot(5, 9)));
  EXPECT_TRUE(mint->result().next_context->vv.Covers(MakeDot(5, 9)));
}

TEST(ReplicaMint, AContextRemovesWhatItCovers) {
  ReplicaRig rig;
  rig.Mint("a");
  rig.loop.Run();
  auto second = rig.Mint("b", Seen(rig.Durable()));
  rig.loop.Run();
  ASSERT_EQ(rig.Durable().siblings().size(), 1u);
  EXPECT_EQ(rig.Durable().siblings()[0].value, "b");
}

// H12: a context can't know more of this run than its record does.
TEST(ReplicaMint, AContextFromTheFutureOfThisRunIsRefused) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  Context forged = Seen(rig.Durable());
  forged.vv.Raise(first->result().dot.actor, 2);
  auto refused = rig.Mint("b", forged);
  rig.loop.Run();
  EXPECT_EQ(refused->minted->status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused->minted->status().message()), ::testing::HasSubstr("read the key again"));
  EXPECT_FALSE(refused->durable.has_value());
  Actor other_epoch = first->result().dot.actor;
  ++other_epoch.epoch;
  Context other = Seen(rig.Durable());
  other.vv.Raise(other_epoch, 1);
  auto also_refused = rig.Mint("b", other);
  rig.loop.Run();
  EXPECT_EQ(also_refused->minted->status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(rig.Durable().siblings().size(), 1u);
  EXPECT_EQ(rig.Durable().siblings()[0].value, "a");
  auto honest = rig.Mint("b", Seen(rig.Durable()));
  rig.loop.Run();
  EXPECT_TRUE(honest->ok());
}

// One for another actor is taken; that actor's own next mint then opens an epoch that nobody can have claimed.
TEST(ReplicaMint, P4AClaimOnAnotherEpochCoversNoLaterMint) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  Context forged = Seen(rig.Durable());
  rig.Restart();
  forged.vv.Raise(first->result().dot.actor, 1000);
  auto mint = rig.Mint("b", forged);
  rig.loop.Run();
  ASSERT_TRUE(mint->ok());
  EXPECT_FALSE(forged.vv.Covers(mint->result().dot));
}

TEST(ReplicaMint, P4ARestartNeverReusesADot) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  rig.Restart();
  auto second = rig.Mint("b");
  rig.loop.Run();
  EXPECT_NE(second->result().dot.actor.lifetime, first->result().dot.actor.lifetime);
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
}

TEST(ReplicaMint, H2ARecordThatVanishedInThisRunGetsANewEpoch) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  rig.engine.records.clear();
  auto second = rig.Mint("b");
  rig.loop.Run();
  EXPECT_NE(second->result().dot.actor, first->result().dot.actor);
}

TEST(ReplicaMint, H2AnUnreadableBaseIsAnErrorAndNeverAbsence) {
  ReplicaRig rig;
  rig.engine.unreadable.insert("k");
  auto mint = rig.Mint("v");
  rig.loop.Run();
  ASSERT_TRUE(mint->minted.has_value());
  EXPECT_TRUE(absl::IsDataLoss(mint->minted->status()));
  EXPECT_FALSE(mint->durable.has_value());
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaMint, P6NothingIsMintedAtOrAfterTheDeadline) {
  ReplicaRig rig;
  rig.engine.on_disk = true;
  auto mint = rig.Mint("v");
  rig.loop.Run();
  rig.clock.now += std::chrono::seconds(5);
  rig.engine.ReleaseReads();
  rig.loop.Run();
  ASSERT_TRUE(mint->minted.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(mint->minted->status()));
  EXPECT_EQ(rig.replica->figures().mints, 0u);
  EXPECT_EQ(rig.engine.commits, 0);
}

TEST(ReplicaMint, P6ACommitThatFailsClosesTheLifetime) {
  ReplicaRig rig;
  auto before = rig.Mint("a");
  rig.loop.Run();
  rig.engine.commit_error = absl::InternalError("sync failed");
  auto failed = rig.Mint("b");
  rig.loop.Run();
  ASSERT_TRUE(failed->ok());
  ASSERT_TRUE(failed->durable.has_value());
  EXPECT_FALSE(failed->durable->ok());
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 1u);
  EXPECT_EQ(rig.tracer.events["LifetimeClosed"], 1);
  auto after = rig.Mint("c");
  rig.loop.Run();
  EXPECT_NE(after->result().dot.actor.lifetime, before->result().dot.actor.lifetime);
}

TEST(ReplicaMint, P38CapsAreCheckedOnTheMergedRecordBeforeTheMint) {
  ReplicaRig rig;
  for (size_t i = 0; i < kSiblingsMax; ++i) rig.Mint(absl::StrCat("v", i));
  rig.loop.Run();
  auto refused = rig.Mint("one too many");
  rig.loop.Run();
  EXPECT_EQ(refused->minted->status().code(), absl::StatusCode::kFailedPrecondition);
  auto resolved = rig.Mint("resolved", Seen(rig.Durable()));
  rig.loop.Run();
  EXPECT_TRUE(resolved->ok());
  EXPECT_EQ(rig.Durable().siblings().size(), 1u);
}

TEST(ReplicaMint, P8AnOpIdThatTheRecordHoldsIsFoundAndNotMintedAgain) {
  ReplicaRig rig;
  const OpId op{1, 2};
  rig.engine.hold_commits = true;
  auto first = rig.Mint("v", {}, op);
  rig.loop.Run();
  auto second = rig.Mint("v", {}, op);
  rig.loop.Run();
  ASSERT_TRUE(second->ok());
  EXPECT_TRUE(second->result().found);
  EXPECT_EQ(second->result().dot, first->result().dot);
  EXPECT_EQ(*second->result().object, *first->result().object);
  EXPECT_FALSE(second->durable.has_value()) << "P11: what it found is not durable yet";
  rig.engine.ReleaseCommits();
  rig.loop.Run();
  EXPECT_TRUE(second->durable->ok());
  EXPECT_EQ(rig.replica->figures().mints, 1u);

  auto third = rig.Mint("v", {}, op);
  rig.loop.Run();
  EXPECT_TRUE(third->durable->ok()) << "durable already";
  auto another = rig.Mint("another value", {}, op);
  rig.loop.Run();
  EXPECT_EQ(another->minted->status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReplicaMint, P7AMintAgainDoesNotStopAtItsOwnOpId) {
  ReplicaRig rig;
  const OpId op{1, 2};
  rig.Mint("v", {}, op);
  rig.loop.Run();
  auto again = rig.Mint("v", {}, op, /*again=*/true);
  rig.loop.Run();
  ASSERT_TRUE(again->ok());
  EXPECT_FALSE(again->result().found);
  EXPECT_EQ(rig.replica->figures().mints, 2u);
}

TEST(ReplicaMint, OfAKeyThatThisNodeDoesNotOwnIsRefused) {
  ReplicaRig rig(5);
  std::string foreign;
  for (int i = 0; rig.ring->IsOwner(PartitionOf(foreign), MemberId(1)) || foreign.empty(); ++i) {
    foreign = absl::StrCat("key", i);
  }
  std::optional<absl::Status> status;
  rig.replica->Mint(
      {.key = Key(foreign), .deadline = rig.clock.now + std::chrono::seconds(1)},
      [&status](absl::StatusOr<MintResult> result) { status = result.status(); },
      [](absl::Status) { FAIL() << "nothing was minted"; });
  rig.loop.Run();
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*status));
}

// ---- P7
// ---------------------------------------------------------------------------------------------------------------

std::optional<bool> CheckAmnesia(ReplicaRig& rig, const Dot& seen) {
  std::optional<bool> amnesia;
  rig.replica->CheckAmnesia(Key("k"), seen, [&amnesia](absl::StatusOr<bool> answer) { amnesia = *answer; });
  rig.loop.Run();
  return amnesia;
}

TEST(ReplicaMint, P7ALaterMintThatOvertookIsNoAmnesia) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  auto second = rig.Mint("b");
  rig.loop.Run();
  EXPECT_EQ(CheckAmnesia(rig, second->result().dot), false);
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 0u);
}

TEST(ReplicaMint, P7MoreThanWasEverMintedClosesTheLifetime) {
  ReplicaRig rig;
  auto first = rig.Mint("a");
  rig.loop.Run();
  const Dot& dot = first->result().dot;
  EXPECT_EQ(CheckAmnesia(rig, {dot.actor, dot.counter + 1}), true);
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 1u);
  auto next = rig.Mint("b");
  rig.loop.Run();
  EXPECT_NE(next->result().dot.actor.lifetime, dot.actor.lifetime);
}

TEST(ReplicaMint, P7AmnesiaOfAnEarlierLifetimeLeavesThisOneOpen) {
  ReplicaRig rig;
  rig.Mint("a");
  rig.loop.Run();
  EXPECT_EQ(CheckAmnesia(rig, {{StoreId(77), Lifetime(12345), 1}, 3}), true);
  EXPECT_EQ(rig.replica->figures().lifetimes_closed, 0u);
}

// ---- P37
// --------------------------------------------------------------------------------------------------------------

TEST(ReplicaMint, P37ANearlyFullDiskTakesDeletesAndAFullOneNothing) {
  ReplicaRig rig;
  EXPECT_TRUE(rig.replica->AdmitWrite(false).ok());
  rig.engine.disk = DiskClass::kControlOnly;
  EXPECT_TRUE(absl::IsResourceExhausted(rig.replica->AdmitWrite(false)));
  EXPECT_TRUE(rig.replica->AdmitWrite(true).ok());
  rig.engine.disk = DiskClass::kFull;
  EXPECT_TRUE(absl::IsResourceExhausted(rig.replica->AdmitWrite(true)));
}

TEST(ReplicaMint, P36AFailedStoreTakesNoWrites) {
  ReplicaRig rig;
  rig.engine.broken = absl::InternalError("fsync: input/output error");
  EXPECT_TRUE(absl::IsUnavailable(rig.replica->AdmitWrite(false)));
  EXPECT_TRUE(absl::IsUnavailable(rig.replica->AdmitWrite(true)));
}

}  // namespace
}  // namespace henge::node_test
