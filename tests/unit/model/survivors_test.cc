// P32: who survives, what they go on from, and what becomes of the partitions.
#include "core/model/survivors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/bucket_changes.h"

namespace henge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Five members, bound to the stores 101 to 105.
ClusterState Five(uint64_t version = 7) {
  std::vector<InitialMember> members;
  for (int i = 1; i <= 5; ++i) members.push_back({.name = "n" + std::to_string(i)});
  ClusterState state = *MakeInitialState("t", 3, std::move(members));
  state.version = StateVersion(version);
  for (Member& member : state.members) member.store = StoreId(100 + member.id.value());
  return state;
}

SurvivorWords WordsOf(const ClusterState& state, const std::vector<uint32_t>& members) {
  SurvivorWords words;
  for (uint32_t id : members) {
    words[MemberId(id)].sender = {state.cluster, StoreId(100 + id), state.version, state.Digest()};
  }
  return words;
}

const std::vector<MemberId> kTwo = {MemberId(2), MemberId(4)};

std::string Refusal(const ClusterState& state, const SurvivorWords& words, const std::vector<std::string>& names) {
  const auto chosen = ChooseSurvivors(state, MemberId(2), words, names);
  return chosen.ok() ? "" : chosen.status().ToString();
}

TEST(SurvivorsTest, P32AreThoseThatAnswerAndAreNamed) {
  const ClusterState state = Five();
  EXPECT_EQ(*ChooseSurvivors(state, MemberId(2), WordsOf(state, {2, 4}), {}), kTwo);
  EXPECT_EQ(*ChooseSurvivors(state, MemberId(2), WordsOf(state, {2, 4}), {"n4", "n2"}), kTwo);
}

TEST(SurvivorsTest, P32AreRefusedWithTheReason) {
  const ClusterState state = Five();
  const SurvivorWords two = WordsOf(state, {2, 4});
  EXPECT_THAT(Refusal(state, WordsOf(state, {1, 2, 4}), {}), HasSubstr("nothing to recover"));
  EXPECT_THAT(Refusal(state, two, {"n2", "n4", "n5"}), HasSubstr("UNAVAILABLE: n5 does not answer n2"));
  EXPECT_THAT(Refusal(state, two, {"n2", "n9"}), HasSubstr("INVALID_ARGUMENT: no member is named n9"));
  EXPECT_THAT(Refusal(state, two, {"n2"}), HasSubstr("n4 answers, too"));
  EXPECT_THAT(Refusal(Five(1), WordsOf(Five(1), {2, 4}), {}), HasSubstr("bootstrap --without"));
  SurvivorWords words = two;
  words[MemberId(4)].sender.version = StateVersion(8);
  EXPECT_THAT(Refusal(state, words, {}), HasSubstr("n4 knows version 8"));
  words = two;
  words[MemberId(4)].sender.digest ^= 1;
  EXPECT_THAT(Refusal(state, words, {}), HasSubstr("two different cluster states"));
}

TEST(SurvivorsTest, P32AMemberWithAnotherDiskIsNoMajoritysVote) {
  const ClusterState state = Five();
  SurvivorWords words = WordsOf(state, {1, 2, 4});
  words[MemberId(1)].sender.store = StoreId(999);
  ASSERT_EQ(Refusal(state, words, {}), "");
  const std::vector<MemberId> three = {MemberId(1), MemberId(2), MemberId(4)};
  const ClusterState next = StateOfSurvivors(state, words, three, 5);
  EXPECT_EQ(next.FindMember(MemberId(1))->store, StoreId(999)) << "bound as it is";
  const RecoveryPlan plan = PlanOf(state, next);
  EXPECT_TRUE(plan.members[0].disk_replaced);
  EXPECT_EQ(plan.members[0].recovering, plan.members[0].owned_after);
}

// What a lost majority may have decided and acknowledged is not dropped.
TEST(SurvivorsTest, P32GoOnFromWhatOneOfThemHasAcceptedLast) {
  const ClusterState state = Five();
  const auto next = [&state](const std::string& bucket) {
    ClusterState changed = *CreateBucket(state, bucket, ConflictPolicy::kSiblings, {});
    changed.version = StateVersion(8);
    return changed.Encode();
  };
  SurvivorWords words = WordsOf(state, {2, 4});
  EXPECT_EQ(BaseOfRecovery(state, words), state);
  words[MemberId(2)].vote = {{3, MemberId(1)}, next("older")};
  words[MemberId(4)].vote = {{4, MemberId(5)}, next("newer")};
  EXPECT_NE(BaseOfRecovery(state, words).FindBucket("newer"), nullptr);
  EXPECT_EQ(BaseOfRecovery(state, words).FindBucket("older"), nullptr);
  words[MemberId(4)].sender.version = StateVersion(6);
  EXPECT_NE(BaseOfRecovery(state, words).FindBucket("older"), nullptr) << "a vote on an older version is over";
  words[MemberId(2)].vote.value = "garbage";
  EXPECT_EQ(BaseOfRecovery(state, words), state);
}

TEST(SurvivorsTest, P32TheNewStateIsACanonicalOneOfTheSurvivorsAlone) {
  const ClusterState state = Five();
  const ClusterState next = StateOfSurvivors(state, WordsOf(state, {2, 4}), kTwo, 5);
  EXPECT_EQ(*ClusterState::Decode(next.Encode()), next);
  EXPECT_NE(next.cluster, state.cluster);
  EXPECT_THAT(next.former, ElementsAre(state.cluster));
  EXPECT_EQ(next.origin(), state.cluster);
  EXPECT_EQ(next.version, StateVersion(uint64_t{1} << kGenerationBits));
  EXPECT_EQ(next.buckets, state.buckets);
  EXPECT_EQ(next.next_bucket_id.value(), state.next_bucket_id.value() + kBucketIdsLeftOut) << "P34";
  ASSERT_EQ(next.members.size(), 2u);
  for (int p = 0; p < kPartitionCount; ++p) {
    EXPECT_THAT(next.owners[p], ::testing::UnorderedElementsAre(MemberId(2), MemberId(4)));
    EXPECT_EQ(next.epochs[p].value(), next.version.value()) << "P33: nothing of the old members fits";
  }
  EXPECT_TRUE(IsRecoveryOf(state, next, MemberId(2), StoreId(102)));
  EXPECT_FALSE(IsRecoveryOf(state, next, MemberId(2), StoreId(103))) << "another disk";
  EXPECT_FALSE(IsRecoveryOf(state, next, MemberId(3), StoreId(103))) << "given up";
  EXPECT_FALSE(IsRecoveryOf(next, next, MemberId(2), StoreId(102))) << "once";
}

TEST(SurvivorsTest, P32NoTwoRecoveriesShareAnId) {
  const ClusterState state = Five();
  const SurvivorWords words = WordsOf(state, {1, 2, 3, 4});
  const auto id = [&](const std::vector<MemberId>& survivors, uint64_t nonce) {
    return StateOfSurvivors(state, words, survivors, nonce).cluster;
  };
  EXPECT_EQ(id(kTwo, 5), id(kTwo, 5));
  EXPECT_NE(id(kTwo, 5), id(kTwo, 6));
  EXPECT_NE(id(kTwo, 5), id({MemberId(1), MemberId(3)}, 5)) << "two operators, each with a side of its own";
}

// P28 isn't there to push what a former holder has: so nobody becomes one.
TEST(SurvivorsTest, P32EveryOwnerThatSurvivesStaysOneAndGapsAreFilledEvenly) {
  std::vector<InitialMember> members;
  for (int i = 1; i <= 9; ++i) {
    members.push_back({.name = "n" + std::to_string(i), .zone = std::string(1, static_cast<char>('a' + i % 3))});
  }
  ClusterState state = *MakeInitialState("t", 3, std::move(members));
  state.version = StateVersion(4);
  for (Member& member : state.members) member.store = StoreId(100 + member.id.value());
  const std::vector<MemberId> four = {MemberId(1), MemberId(2), MemberId(3), MemberId(4)};
  const ClusterState next = StateOfSurvivors(state, WordsOf(state, {1, 2, 3, 4}), four, 5);
  std::map<MemberId, int> owned;
  for (int p = 0; p < kPartitionCount; ++p) {
    ASSERT_EQ(next.owners[p].size(), 3u);
    for (MemberId id : next.owners[p]) ++owned[id];
    for (MemberId id : state.owners[p]) {
      const bool survives = id.value() <= 4;
      const bool stays = std::find(next.owners[p].begin(), next.owners[p].end(), id) != next.owners[p].end();
      ASSERT_EQ(stays, survives) << p;
    }
  }
  // n1 and n4 share a zone, and so the place of one.
  for (const auto& [id, count] : owned) EXPECT_GT(count, kPartitionCount * 45 / 100) << id.value();
  const std::vector<PartitionId> gained = GainedPartitions(state, next, MemberId(1));
  int before = 0;
  for (const auto& list : state.owners) before += std::count(list.begin(), list.end(), MemberId(1));
  EXPECT_EQ(gained.size(), static_cast<size_t>(owned[MemberId(1)] - before));
}

TEST(SurvivorsTest, P32ThePlanCountsWhatMayBeLost) {
  const ClusterState state = Five();
  const RecoveryPlan plan = PlanOf(state, StateOfSurvivors(state, WordsOf(state, {2, 4}), kTwo, 5));
  ASSERT_EQ(plan.members.size(), 5u);
  EXPECT_FALSE(plan.members[0].stays);
  EXPECT_TRUE(plan.members[1].stays);
  EXPECT_EQ(plan.members[1].owned_after, kPartitionCount);
  EXPECT_EQ(plan.members[1].recovering, kPartitionCount - plan.members[1].owned_before);
  int lost = 0, at_risk = 0;
  for (const auto& list : state.owners) {
    const auto left =
        std::count(list.begin(), list.end(), MemberId(2)) + std::count(list.begin(), list.end(), MemberId(4));
    lost += left == 0 ? 1 : 0;
    at_risk += left == 1 ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
  EXPECT_EQ(plan.partitions_lost, lost);
  EXPECT_EQ(plan.partitions_at_risk, at_risk) << "two of three owners are gone, and W is 2";
}

TEST(SurvivorsTest, P32WhatWasBegunIsGoneOnWithAndNothingElse) {
  const ClusterState state = Five();
  SurvivorWords words = WordsOf(state, {2, 4});
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), "");
  const std::string first = StateOfSurvivors(state, words, kTwo, 5).Encode();
  const std::string second = StateOfSurvivors(state, words, kTwo, 6).Encode();
  words[MemberId(2)].recovery = {{1, MemberId(2)}, first};
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), first);
  words[MemberId(4)].recovery = {{2, MemberId(4)}, second};
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), second) << "the highest ballot's";

  EXPECT_EQ(*BegunRecovery(state, words, {MemberId(2)}, false), "") << "n4 is gone now, too";
  words[MemberId(4)].sender.store = StoreId(999);
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), "") << "it was begun with a disk that is gone";
}

TEST(SurvivorsTest, P32OneWithOtherSurvivorsIsOvertakenIfWhoIsMissingOfItCanDecideNothing) {
  const ClusterState state = Five();
  const std::vector<MemberId> two_and_five = {MemberId(2), MemberId(5)};
  SurvivorWords words = WordsOf(state, {2, 4, 5});
  words[MemberId(2)].recovery = {{1, MemberId(2)}, StateOfSurvivors(state, words, kTwo, 5).Encode()};
  EXPECT_EQ(*BegunRecovery(state, words, {MemberId(2), MemberId(4), MemberId(5)}, false), "") << "none is missing";
  const absl::Status refused = BegunRecovery(state, words, two_and_five, false).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("with the survivors n2, n4, not with n2, n5: nothing was changed. n4 may go by it: start n4"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("name the survivors: n2, n5"));
  EXPECT_EQ(*BegunRecovery(state, words, two_and_five, true), "") << "one of two decides nothing";

  const std::vector<MemberId> three = {MemberId(2), MemberId(3), MemberId(4)};
  words = WordsOf(state, {2, 3, 4, 5});
  words[MemberId(2)].recovery = {{1, MemberId(2)}, StateOfSurvivors(state, words, three, 5).Encode()};
  const absl::Status majority = BegunRecovery(state, words, two_and_five, true).status();
  EXPECT_EQ(majority.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(majority.message()), HasSubstr("n3, n4 may go by it: start n3, n4"));
  EXPECT_THAT(std::string(majority.message()), HasSubstr("stop n5 for good"));
}

// Nobody else can decide then, and the recovery that took their votes is overtaken.
TEST(SurvivorsTest, P32WhoHasAcceptedARecoveryIsNoMajoritysVote) {
  const ClusterState state = Five();
  const std::vector<MemberId> four = {MemberId(1), MemberId(2), MemberId(3), MemberId(4)};
  SurvivorWords words = WordsOf(state, {1, 2, 3, 4});
  const PaxosVote begun = {{1, MemberId(2)}, StateOfSurvivors(state, words, kTwo, 5).Encode()};
  words[MemberId(2)].recovery = begun;
  EXPECT_THAT(Refusal(state, words, {}), HasSubstr("3 of 5 members answer (n1, n3, n4)"));
  words[MemberId(4)].recovery = begun;
  EXPECT_EQ(*ChooseSurvivors(state, MemberId(2), words, {}), four);
  EXPECT_EQ(*BegunRecovery(state, words, four, false), "");
}

// The majority came back after all, decided more, and was lost for good later.
TEST(SurvivorsTest, P32ARecoveryThatCameToNothingDoesNotUndoWhatWasDecidedSince) {
  const ClusterState state = Five();
  const std::string begun = StateOfSurvivors(state, WordsOf(state, {2, 4}), kTwo, 5).Encode();
  ClusterState later = *CreateBucket(state, "b", ConflictPolicy::kSiblings, {});
  later.version = StateVersion(8);
  SurvivorWords words = WordsOf(later, {2, 4});
  words[MemberId(2)].recovery = {{1, MemberId(2)}, begun};
  EXPECT_EQ(*BegunRecovery(later, words, kTwo, false), "") << "it lacks the bucket";

  words = WordsOf(state, {2, 4});
  words[MemberId(2)].recovery = {{1, MemberId(2)}, begun};
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), begun);
  words[MemberId(4)].vote = {{4, MemberId(5)}, later.Encode()};
  EXPECT_EQ(*BegunRecovery(state, words, kTwo, false), "") << "the lost members may have decided that with n4";
}

TEST(SurvivorMessageTest, RoundTripsAndRefusesGarbage) {
  SurvivorAnswer answer{.verdict = SurvivorVerdict::kGranted,
                        .sender = {ClusterId(1), StoreId(2), StateVersion(3), 4},
                        .vote = {{5, MemberId(6)}, "value"},
                        .promised = {7, MemberId(8)},
                        .recovery = {{9, MemberId(1)}, "new"}};
  const std::string bytes = answer.Encode();
  EXPECT_EQ(*SurvivorAnswer::Decode(bytes), answer);
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_FALSE(SurvivorAnswer::Decode(bytes.substr(0, i)).ok()) << i;
  EXPECT_FALSE(SurvivorAnswer::Decode(bytes + "x").ok());
  EXPECT_EQ(SurvivorAnswer::Decode("\x02").status().code(), absl::StatusCode::kFailedPrecondition);
  answer.vote.ballot = {};
  EXPECT_FALSE(SurvivorAnswer::Decode(answer.Encode()).ok()) << "a value that nobody proposed";
}

}  // namespace
}  // namespace henge
