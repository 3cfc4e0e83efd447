#include "core/model/tally.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

using Role = WriteTally::Role;
constexpr MemberId kA(1), kB(2), kC(3), kD(4);

TEST(WriteTallyTest, IsMetByEnoughDistinctNodes) {
  WriteTally tally(2, 3);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddDurable(kA, Role::kOwner);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddDurable(kB, Role::kOwner);
  EXPECT_EQ(tally.verdict(), Verdict::kMet);
  EXPECT_EQ(tally.primaries(), 2);
}

TEST(WriteTallyTest, P10ANodeCountsOnce) {
  WriteTally tally(2, 3);
  tally.AddDurable(kA, Role::kOwner);
  tally.AddDurable(kA, Role::kOwner);
  tally.AddDurable(kA, Role::kFallback);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  EXPECT_EQ(tally.durable(), 1);
}

TEST(WriteTallyTest, P10ALateOwnerAndItsFallbackAreTwoNodes) {
  WriteTally tally(3, 4);
  tally.AddFailure(kA);
  tally.AddDurable(kB, Role::kOwner);
  tally.AddDurable(kD, Role::kFallback);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddDurable(kA, Role::kOwner);
  EXPECT_EQ(tally.verdict(), Verdict::kMet);
  EXPECT_EQ(tally.primaries(), 2);
  EXPECT_EQ(tally.fallbacks(), 1);
}

TEST(WriteTallyTest, IsImpossibleWhenTooFewAreLeft) {
  WriteTally tally(2, 3);
  tally.AddFailure(kA);
  tally.AddFailure(kA);
  EXPECT_EQ(tally.verdict(), Verdict::kPending) << "one node fails once";
  tally.AddFailure(kB);
  EXPECT_EQ(tally.verdict(), Verdict::kImpossible);
  tally.AddDurable(kB, Role::kOwner);
  EXPECT_EQ(tally.verdict(), Verdict::kPending) << "its answer was only late";
}

TEST(WriteTallyTest, AFailureAfterTheAckTakesNothingBack) {
  WriteTally tally(1, 1);
  tally.AddDurable(kA, Role::kOwner);
  tally.AddFailure(kA);
  EXPECT_EQ(tally.verdict(), Verdict::kMet);
}

TEST(WriteTallyTest, MoreThanThereAreNodesIsImpossibleAtOnce) {
  EXPECT_EQ(WriteTally(4, 3).verdict(), Verdict::kImpossible);
}

TEST(ReadTallyTest, AnOwnersAbsentIsAnAnswer) {
  ReadTally tally(2, 3);
  tally.AddAnswer(kA, /*is_owner=*/true, /*found=*/false);
  tally.AddAnswer(kA, true, false);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddAnswer(kB, true, true);
  EXPECT_EQ(tally.verdict(), Verdict::kMet);
  EXPECT_EQ(tally.answers(), 2);
  EXPECT_EQ(tally.owner_answers(), 2);
}

TEST(ReadTallyTest, P14AbsentFromNoOwnerDoesNotCount) {
  ReadTally tally(2, 3);
  tally.AddAnswer(kD, /*is_owner=*/false, /*found=*/false);
  tally.AddAnswer(kA, true, false);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  EXPECT_EQ(tally.answers(), 1);
  tally.AddFailure(kB);
  EXPECT_EQ(tally.verdict(), Verdict::kImpossible);
}

TEST(ReadTallyTest, P14WithoutAnOwnerThereIsNoAnswer) {
  ReadTally tally(1, 3);
  tally.AddAnswer(kD, false, true);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddFailure(kA);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddFailure(kB);
  EXPECT_EQ(tally.verdict(), Verdict::kImpossible);
  tally.AddAnswer(kB, true, false);
  EXPECT_EQ(tally.verdict(), Verdict::kMet);
}

TEST(WriteTallyTest, FurtherCandidatesKeepItInReach) {
  WriteTally tally(2, 2);
  tally.AddFailure(kA);
  EXPECT_EQ(tally.verdict(), Verdict::kImpossible);
  tally.AddCandidates(1);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
}

TEST(ReadTallyTest, IsImpossibleWhenTooFewAreLeft) {
  ReadTally tally(2, 3);
  tally.AddFailure(kA);
  EXPECT_EQ(tally.verdict(), Verdict::kPending);
  tally.AddFailure(kC);
  EXPECT_EQ(tally.verdict(), Verdict::kImpossible);
}

}  // namespace
}  // namespace henge
