// Histories by hand, good and bad, for the judges of sessions (I7, I9) and of strict registers (I20).
#include "tests/sim/checkers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/register_checker.h"
#include "tests/sim/session_checker.h"

namespace henge::sim {
namespace {

using Ids = std::vector<MutationId>;
using Found = std::set<std::string>;

MonotonicTime At(int ms) { return MonotonicTime(std::chrono::milliseconds(ms)); }

// One key; times in milliseconds.
class HistoryTest : public testing::Test {
 protected:
  struct Writing {
    int from = 0, to = 0;
    std::set<MutationId> observed = {};
    bool is_delete = false;
    OpStatus status = OpStatus::kOk;
    int client = 1;
    bool strict = true;
    size_t minted = 1;
  };
  MutationId Write(Writing w) {
    MutationRecord& m = history_.NewMutation("k", w.client);
    m.observed = std::move(w.observed);
    m.is_delete = w.is_delete;
    m.status = w.status;
    m.strict = w.strict;
    m.times_minted = w.minted;
    m.invoked_at = At(w.from);
    m.done_at = At(w.to);
    return m.id;
  }

  struct Reading {
    int from = 0, to = 0;
    Ids values = {};
    std::set<MutationId> deletes = {};  // that its context covers
    int client = 2;
    bool strict = true;
    bool final = false;
  };
  void Read(Reading r) {
    ReadRecord read{.key = "k", .client = r.client, .r = 2, .final = r.final, .strict = r.strict};
    read.invoked_at = At(r.from);
    read.done_at = At(r.to);
    read.known = std::move(r.deletes);
    read.known.insert(r.values.begin(), r.values.end());
    read.values = std::move(r.values);
    history_.AddRead(std::move(read));
  }

  Found Judge(void (*check)(const History&, Violations*)) const {
    Violations out;
    check(history_, &out);
    Found found;
    for (const Violation& v : out) found.insert(v.invariant);
    return found;
  }
  Found Register() const { return Judge(&CheckRegular); }
  Found Sessions() const { return Judge(&CheckSessions); }
  Found Resurrection() const { return Judge(&CheckNoResurrection); }

  History history_;
};

// ---- I20 ----

using RegisterTest = HistoryTest;

TEST_F(RegisterTest, I20ReadsOfWhatWasWrittenAreRegular) {
  Read({.from = 0, .to = 1});
  const MutationId a = Write({.from = 2, .to = 4});
  Read({.from = 5, .to = 6, .values = {a}});
  const MutationId b = Write({.from = 7, .to = 9, .observed = {a}});
  Read({.from = 10, .to = 11, .values = {b}});
  const MutationId gone = Write({.from = 12, .to = 14, .observed = {b}, .is_delete = true});
  Read({.from = 15, .to = 16, .deletes = {gone}});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20AStaleReadIsNot) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}});
  Read({.from = 4, .to = 5, .values = {a}});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20AReadThatMissesABlindWriteIsStaleToo) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .client = 2});
  Read({.from = 4, .to = 5, .values = {a}});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20AReadBesideAWriteMaySeeItOrNot) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 9, .observed = {a}});
  Read({.from = 3, .to = 4, .values = {a}});
  Read({.from = 5, .to = 6, .values = {b}});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20NoReadShowsLessThanOneThatHadEnded) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 9, .observed = {a}});
  Read({.from = 3, .to = 4, .values = {b}});
  Read({.from = 5, .to = 6, .values = {a}, .client = 3});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20TwoReadsAtOnceMayDiffer) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 9, .observed = {a}});
  Read({.from = 3, .to = 6, .values = {b}});
  Read({.from = 5, .to = 7, .values = {a}, .client = 3});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20WhatIsUnknownMayExplainAReadAtAnyLaterTime) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true, .status = OpStatus::kInfo});
  Read({.from = 10, .to = 11, .values = {a}});
  Read({.from = 12, .to = 13});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20WhatOneReadFoundReplacedStaysReplaced) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true, .status = OpStatus::kInfo});
  Read({.from = 10, .to = 11});
  Read({.from = 12, .to = 13, .values = {a}});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20AChainOfUnknownWritesExplainsAnAbsence) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 3, .observed = {a}, .status = OpStatus::kInfo});
  Write({.from = 4, .to = 5, .observed = {b}, .is_delete = true, .status = OpStatus::kInfo});
  Read({.from = 6, .to = 7});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20AWriteThatBeganAfterTheReadExplainsNothing) {
  const MutationId a = Write({.from = 0, .to = 1});
  Read({.from = 2, .to = 3});
  Write({.from = 4, .to = 5, .observed = {a}, .is_delete = true});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20AFailedWriteExplainsNothing) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true, .status = OpStatus::kFail});
  Read({.from = 4, .to = 5});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20NoOrderHasAReplacedValueBesideWhatReplacedIt) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 3, .observed = {a}});
  Read({.from = 4, .to = 5, .values = {a, b}});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20BlindWritesOfTwoClientsStandSideBySide) {
  const MutationId a = Write({.from = 0, .to = 3});
  const MutationId b = Write({.from = 1, .to = 2, .client = 5});
  Read({.from = 4, .to = 5, .values = {a, b}});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20ASloppyWriteIsOwedToNobodyUntilItWasRead) {
  const MutationId a = Write({.from = 0, .to = 1, .strict = false});
  Read({.from = 2, .to = 3});
  Read({.from = 4, .to = 5, .values = {a}});
  EXPECT_EQ(Register(), Found{});
  Read({.from = 6, .to = 7});
  EXPECT_EQ(Register(), Found{"I20"});
}

TEST_F(RegisterTest, I20WhatARetryMintedTwiceMayStandBesideWhatReplacedIt) {
  const MutationId a = Write({.from = 0, .to = 1, .minted = 2});
  const MutationId b = Write({.from = 2, .to = 3, .observed = {a}});
  Read({.from = 4, .to = 5, .values = {a, b}});
  Read({.from = 6, .to = 7, .values = {b}});
  EXPECT_EQ(Register(), Found{});
}

TEST_F(RegisterTest, I20SloppyAndFinalReadsAreNotJudged) {
  Write({.from = 0, .to = 1});
  Read({.from = 2, .to = 3, .strict = false});
  Read({.from = 4, .to = 5, .final = true});
  EXPECT_EQ(Register(), Found{});
}

// ---- I9 ----

using SessionTest = HistoryTest;

TEST_F(SessionTest, I9AClientReadsItsOwnWritesOrWhatReplacedThem) {
  const MutationId a = Write({.from = 0, .to = 1, .client = 2});
  const MutationId b = Write({.from = 2, .to = 3, .observed = {a}, .client = 7});
  Read({.from = 4, .to = 5, .values = {b}});
  const MutationId gone = Write({.from = 6, .to = 7, .observed = {b}, .is_delete = true, .client = 7});
  Read({.from = 8, .to = 9, .deletes = {gone}});
  EXPECT_EQ(Sessions(), Found{});
}

TEST_F(SessionTest, I9AnOwnWriteThatIsMissed) {
  Write({.from = 0, .to = 1, .client = 2});
  Read({.from = 2, .to = 3});
  EXPECT_EQ(Sessions(), Found{"I9"});
}

TEST_F(SessionTest, I9OthersWritesAndUnknownOnesAreNotOwed) {
  Write({.from = 0, .to = 1, .client = 7});
  Write({.from = 0, .to = 1, .status = OpStatus::kInfo, .client = 2});
  Write({.from = 0, .to = 1, .client = 2, .strict = false});
  Read({.from = 2, .to = 3});
  EXPECT_EQ(Sessions(), Found{});
}

TEST_F(SessionTest, I9ReadsOfOneClientDoNotGoBack) {
  const MutationId a = Write({.from = 0, .to = 9, .client = 7});
  Read({.from = 1, .to = 2, .values = {a}});
  Read({.from = 3, .to = 4, .client = 3});
  EXPECT_EQ(Sessions(), Found{});
  Read({.from = 5, .to = 6});
  EXPECT_EQ(Sessions(), Found{"I9"});
}

TEST_F(SessionTest, I9ADeleteThatWasReadStaysRead) {
  const MutationId a = Write({.from = 0, .to = 1, .client = 7});
  const MutationId gone = Write({.from = 2, .to = 9, .observed = {a}, .is_delete = true, .client = 7});
  Read({.from = 3, .to = 4, .deletes = {gone}});
  Read({.from = 5, .to = 6, .values = {a}});
  EXPECT_EQ(Sessions(), Found{"I9"});
}

TEST_F(SessionTest, I9AContextThatLeavesOutThePastIsReported) {
  history_.AddRead({.key = "k"});
  EXPECT_EQ(Judge(&CheckContextsFollow), Found{});
  history_.AddRead({.key = "k", .context_covers_past = false});
  EXPECT_EQ(Judge(&CheckContextsFollow), Found{"I9"});
}

// ---- I7 ----

using ResurrectionTest = HistoryTest;

TEST_F(ResurrectionTest, I7WhatWasDeletedIsGoneAtTheEnd) {
  const MutationId a = Write({.from = 0, .to = 1});
  const MutationId b = Write({.from = 2, .to = 3, .observed = {a}});
  Write({.from = 4, .to = 5, .observed = {b}, .is_delete = true});
  const MutationId again = Write({.from = 6, .to = 7, .client = 5});
  Read({.from = 10, .to = 11, .values = {again}, .final = true});
  EXPECT_EQ(Resurrection(), Found{});
  Read({.from = 12, .to = 13, .values = {a, again}, .final = true});
  EXPECT_EQ(Resurrection(), Found{"I7"}) << "what the deleted value had replaced is back";
}

TEST_F(ResurrectionTest, I7ADeleteOfUnknownOutcomeOwesNothing) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true, .status = OpStatus::kInfo});
  Read({.from = 10, .to = 11, .values = {a}, .final = true});
  EXPECT_EQ(Resurrection(), Found{});
}

TEST_F(ResurrectionTest, I7WithinAStrictSessionItIsGoneAtOnce) {
  const MutationId a = Write({.from = 0, .to = 1});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true, .client = 2});
  Read({.from = 4, .to = 5, .values = {a}, .client = 9});
  Read({.from = 4, .to = 5, .values = {a}, .strict = false});
  EXPECT_EQ(Resurrection(), Found{}) << "another client, and a sloppy read, are promised nothing before the end";
  Read({.from = 6, .to = 7, .values = {a}});
  EXPECT_EQ(Resurrection(), Found{"I7"});
}

TEST_F(ResurrectionTest, I7AnotherVersionOfADeletedWriteMayRemain) {
  const MutationId a = Write({.from = 0, .to = 1, .minted = 2});
  Write({.from = 2, .to = 3, .observed = {a}, .is_delete = true});
  Read({.from = 10, .to = 11, .values = {a}, .final = true});
  EXPECT_EQ(Resurrection(), Found{});
}

}  // namespace
}  // namespace henge::sim
