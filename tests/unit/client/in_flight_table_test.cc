#include "client/src/in_flight_table.h"

#include <gtest/gtest.h>

#include <set>

namespace henge::sdk {
namespace {

const SteadyTime kStart{std::chrono::seconds(1000)};

SteadyTime At(int ms) { return kStart + std::chrono::milliseconds(ms); }

CallPtr NamedCall(std::string name) {
  auto call = std::make_unique<Call>();
  call->key = std::move(name);
  return call;
}

TEST(InFlightTableTest, GivesACallBackByItsIdOnce) {
  InFlightTable table;
  uint64_t a = table.Insert(NamedCall("a"), At(1), At(0));
  uint64_t b = table.Insert(NamedCall("b"), At(1), At(0));
  EXPECT_NE(a, 0u);
  EXPECT_NE(a, b);
  EXPECT_EQ(table.Take(b)->key, "b");
  EXPECT_EQ(table.Take(b), nullptr);
  EXPECT_EQ(table.Take(a)->key, "a");
  EXPECT_EQ(table.size(), 0u);
}

TEST(InFlightTableTest, KnowsNoIdThatItDidNotGive) {
  InFlightTable table;
  uint64_t id = table.Insert(NamedCall("a"), At(1), At(0));
  EXPECT_EQ(table.Take(0), nullptr);
  EXPECT_EQ(table.Take(id + 64), nullptr);
  EXPECT_EQ(table.Take(~uint64_t{0}), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(InFlightTableTest, KeepsOldCallsApartFromNewOnesThroughGrowthAndWrapping) {
  InFlightTable table;
  uint64_t old = table.Insert(NamedCall("old"), At(1), At(0));
  std::set<uint64_t> ids = {old};
  for (int round = 0; round < 1000; ++round) {
    uint64_t id = table.Insert(NamedCall("passing"), At(1), At(0));
    EXPECT_TRUE(ids.insert(id).second);
    if (round % 3 != 0) {
      EXPECT_EQ(table.Take(id)->key, "passing");
    }
  }
  EXPECT_EQ(table.Take(old)->key, "old");
}

TEST(InFlightTableTest, TakesWhatIsDueAndNamesTheNextDeadline) {
  InFlightTable table;
  table.Insert(NamedCall("late"), At(30), At(2));
  table.Insert(NamedCall("due"), At(10), At(3));
  table.Insert(NamedCall("due too"), At(5), At(1));
  std::vector<CallPtr> expired;
  SteadyTime oldest;
  const auto keep_none = [](const Call&) { return At(0); };
  EXPECT_EQ(table.TakeDue(At(10), keep_none, &expired, &oldest), At(30));
  ASSERT_EQ(expired.size(), 2u);
  EXPECT_EQ(oldest, At(1));
  EXPECT_EQ(table.TakeDue(At(30), keep_none, &expired, &oldest), SteadyTime::max());
  EXPECT_EQ(expired.size(), 3u);
}

TEST(InFlightTableTest, WhatIsKeptIsDueLater) {
  InFlightTable table;
  const uint64_t kept = table.Insert(NamedCall("kept"), At(10), At(1));
  table.Insert(NamedCall("taken"), At(10), At(2));
  std::vector<CallPtr> taken;
  SteadyTime oldest;
  const auto keep = [](const Call& call) { return call.key == "kept" ? At(20) : At(10); };
  EXPECT_EQ(table.TakeDue(At(10), keep, &taken, &oldest), At(20));
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0]->key, "taken");
  EXPECT_EQ(oldest, At(2));
  EXPECT_EQ(table.Take(kept)->key, "kept");
}

TEST(InFlightTableTest, HandsOutAllInTheOrderOfTheirIds) {
  InFlightTable table;
  for (const char* name : {"a", "b", "c"}) table.Insert(NamedCall(name), At(1), At(0));
  std::vector<CallPtr> calls;
  table.TakeAll(&calls);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0]->key + calls[1]->key + calls[2]->key, "abc");
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace henge::sdk
