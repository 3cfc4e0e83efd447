#include "core/model/swim_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace henge {
namespace {

using std::chrono::seconds;
using Verdict = SwimTable::Verdict;

constexpr MemberId kOwner(1), kB(2), kC(3), kD(4), kE(5);

class SwimTableTest : public testing::Test {
 protected:
  SwimTableTest() : table_(kOwner, "self:1", SuspicionSettings{}) {
    table_.SetMembers(std::vector<MemberId>{kOwner, kB, kC, kD, kE});
  }
  Verdict Alive(MemberId who, uint64_t incarnation, MemberId from, std::string address = "") {
    return table_.Apply(now_, from, {who, Liveness::kAlive, incarnation, {}, std::move(address)}, false);
  }
  Verdict Suspected(MemberId who, uint64_t incarnation, MemberId by) {
    return table_.Apply(now_, by, {who, Liveness::kSuspect, incarnation, by, ""}, false);
  }
  Verdict Dead(MemberId who, uint64_t incarnation, MemberId from, bool hearsay = false) {
    return table_.Apply(now_, from, {who, Liveness::kDead, incarnation, {}, ""}, hearsay);
  }
  Liveness Of(MemberId member) { return table_.Find(member)->liveness; }

  MonotonicTime now_{};
  SwimTable table_;
};

TEST_F(SwimTableTest, OnlyAHigherIncarnationRefutesASuspicion) {
  Alive(kB, 3, kB);
  EXPECT_EQ(Suspected(kB, 3, kC), Verdict::kChanged);
  EXPECT_EQ(Alive(kB, 3, kB), Verdict::kOld);
  EXPECT_EQ(Of(kB), Liveness::kSuspect);
  EXPECT_EQ(Alive(kB, 4, kC), Verdict::kChanged);
  EXPECT_EQ(Of(kB), Liveness::kAlive);
  EXPECT_EQ(Suspected(kB, 3, kC), Verdict::kOld);
  EXPECT_EQ(Of(kB), Liveness::kAlive);
}

TEST_F(SwimTableTest, ConfirmationsShortenASuspicionAndRepeatsDoNot) {
  Alive(kB, 1, kB);
  Suspected(kB, 1, kC);
  EXPECT_EQ(table_.NextExpiry(), now_ + seconds(15));
  Suspected(kB, 1, kC);
  EXPECT_EQ(table_.NextExpiry(), now_ + seconds(15));
  Suspected(kB, 1, kD);
  EXPECT_LT(table_.NextExpiry(), now_ + seconds(15));
  EXPECT_GT(table_.NextExpiry(), now_ + seconds(3));
  table_.Suspect(now_, kB);
  EXPECT_EQ(table_.NextExpiry(), now_ + seconds(3));
  EXPECT_TRUE(table_.Expire(now_ + seconds(2)).empty());
  EXPECT_EQ(table_.Expire(now_ + seconds(3)), std::vector<MemberId>{kB});
  EXPECT_EQ(Of(kB), Liveness::kDead);
}

TEST_F(SwimTableTest, ADeadMemberIsKeptAndComesBackAtAnotherAddress) {
  Alive(kB, 1, kB, "old:1");
  Dead(kB, 1, kC);
  EXPECT_EQ(Alive(kB, 1, kB, "new:1"), Verdict::kOld);
  EXPECT_EQ(Alive(kB, 2, kB, "new:1"), Verdict::kChanged);
  EXPECT_EQ(table_.Find(kB)->address, "new:1");
  EXPECT_EQ(table_.entries().size(), 5u);
}

TEST_F(SwimTableTest, TheDeathOfALiveMemberByHearsayIsASuspicion) {
  Alive(kB, 1, kB);
  EXPECT_EQ(Dead(kB, 1, kC, /*hearsay=*/true), Verdict::kChanged);
  EXPECT_EQ(Of(kB), Liveness::kSuspect);
}

TEST_F(SwimTableTest, WhatIsWrongAboutThisNodeIsRefutedAboveIt) {
  EXPECT_EQ(Suspected(kOwner, 0, kB), Verdict::kOld);
  EXPECT_EQ(Suspected(kOwner, 1, kB), Verdict::kRefuted);
  EXPECT_EQ(table_.incarnation(), 2u);
  EXPECT_EQ(Dead(kOwner, 9, kB), Verdict::kRefuted);
  EXPECT_EQ(table_.incarnation(), 10u);
  // A former run of this node, elsewhere.
  EXPECT_EQ(Alive(kOwner, 10, kB, "elsewhere:1"), Verdict::kRefuted);
  EXPECT_EQ(table_.incarnation(), 11u);
  EXPECT_EQ(Alive(kOwner, 11, kB, "self:1"), Verdict::kOld);
  EXPECT_EQ(Of(kOwner), Liveness::kAlive);
}

TEST_F(SwimTableTest, ForgedIncarnationsAreRefusedOrJumpedAbove) {
  Alive(kB, 5, kB);
  EXPECT_EQ(Dead(kB, 6 + kIncarnationJumpMax, kC), Verdict::kForged);
  EXPECT_EQ(Suspected(kB, kIncarnationMax, kC), Verdict::kForged);
  EXPECT_EQ(Alive(kB, UINT64_MAX, kB), Verdict::kForged);
  EXPECT_EQ(Of(kB), Liveness::kAlive);
  EXPECT_EQ(table_.Find(kB)->incarnation, 5u);
  // The member itself may have jumped.
  EXPECT_EQ(Alive(kB, 9 + kIncarnationJumpMax, kB), Verdict::kOld);
  EXPECT_EQ(table_.Find(kB)->incarnation, 9 + kIncarnationJumpMax);

  EXPECT_EQ(Dead(kOwner, 2 * kIncarnationJumpMax, kC), Verdict::kForged);
  EXPECT_EQ(table_.incarnation(), 2 * kIncarnationJumpMax + 1);
  EXPECT_EQ(Dead(kOwner, UINT64_MAX, kC), Verdict::kForged);
  EXPECT_EQ(table_.incarnation(), 2 * kIncarnationJumpMax + 1);
}

// Before anything was heard of a member, nobody may say that it is far ahead: it could never refute the end.
TEST_F(SwimTableTest, AForgedFirstWordOfAnotherIsRefused) {
  ASSERT_EQ(table_.Find(kB)->incarnation, 0u);
  EXPECT_EQ(Dead(kB, kIncarnationMax - 1, kC), Verdict::kForged);
  EXPECT_EQ(Of(kB), Liveness::kAlive);
  EXPECT_EQ(Dead(kB, kIncarnationFirst, kC), Verdict::kChanged);
}

// This node can't say more than the last incarnation: it goes by its own, which its peers take for a new beginning.
TEST_F(SwimTableTest, TheLastIncarnationDoesNotKeepThisNodeDead) {
  EXPECT_EQ(Dead(kOwner, kIncarnationMax - 1, kB), Verdict::kForged);
  EXPECT_EQ(table_.incarnation(), kIncarnationFirst) << "no jump to where nobody would believe it";
  EXPECT_TRUE(table_.HasNews());
  EXPECT_EQ(Dead(kOwner, kIncarnationMax - 2, kB), Verdict::kForged);
  EXPECT_EQ(table_.incarnation(), kIncarnationMax - 1);
  EXPECT_EQ(Suspected(kOwner, kIncarnationMax - 1, kC), Verdict::kForged);
  EXPECT_EQ(table_.incarnation(), kIncarnationFirst) << "it begins again";
  EXPECT_EQ(Of(kOwner), Liveness::kAlive);
}

TEST_F(SwimTableTest, AMemberAtTheLastIncarnationBeginsAgainByItsOwnWord) {
  EXPECT_EQ(Alive(kB, kIncarnationMax - 1, kB), Verdict::kChanged);
  EXPECT_EQ(Dead(kB, kIncarnationMax - 1, kC), Verdict::kChanged);
  EXPECT_EQ(Alive(kB, 7, kC), Verdict::kOld) << "only its own word does";
  EXPECT_EQ(Of(kB), Liveness::kDead);
  EXPECT_EQ(Alive(kB, 7, kB, "b:1"), Verdict::kChanged);
  EXPECT_EQ(Of(kB), Liveness::kAlive);
  EXPECT_EQ(table_.Find(kB)->incarnation, 7u);
  EXPECT_EQ(Dead(kB, kIncarnationMax - 1, kC), Verdict::kForged) << "what the others still hold is not believed";
  EXPECT_EQ(Suspected(kB, 7, kC), Verdict::kChanged);
  EXPECT_EQ(Alive(kB, 6, kB), Verdict::kOld) << "below the end, lower is older";
}

TEST_F(SwimTableTest, NewsAreToldABoundedNumberOfTimesTheLeastToldFirst) {
  std::vector<SwimUpdate> out;
  while (table_.HasNews()) table_.TakeNews(8, MemberId(), &out);
  out.clear();
  Alive(kB, 1, kB);
  EXPECT_FALSE(table_.HasNews()) << "a first word is none";
  Alive(kB, 2, kB);
  EXPECT_TRUE(table_.HasNews());
  int told = 0;
  for (; table_.HasNews(); ++told) {
    ASSERT_LT(told, 100);
    table_.TakeNews(1, MemberId(), &out);
  }
  EXPECT_EQ(told, static_cast<int>(out.size()));
  Suspected(kC, 0, kD);
  out.clear();
  table_.TakeNews(8, kC, &out);
  EXPECT_TRUE(out.empty()) << "a member is not told about itself as news";
  table_.TakeNews(8, kB, &out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].member, kC);
  EXPECT_EQ(out[0].accuser, kD);
}

// The others know its incarnation, and would take a lower one for old news.
TEST_F(SwimTableTest, WhoHasNotBeenHeardOfIsSuspectedAtTheFirstIncarnation) {
  ASSERT_EQ(table_.Find(kC)->incarnation, 0u);
  EXPECT_EQ(table_.Suspect({}, kC), Verdict::kChanged);
  EXPECT_EQ(table_.UpdateOf(kC).incarnation, kIncarnationFirst);
}

TEST_F(SwimTableTest, OnlyTheClusterStateRemovesMembers) {
  EXPECT_EQ(Alive(MemberId(9), 1, MemberId(9)), Verdict::kOld);
  EXPECT_EQ(table_.Find(MemberId(9)), nullptr);
  table_.SetMembers(std::vector<MemberId>{kB});
  EXPECT_EQ(table_.entries().size(), 2u);
  EXPECT_EQ(table_.Snapshot()->Of(kE), Liveness::kAlive);
}

}  // namespace
}  // namespace henge
