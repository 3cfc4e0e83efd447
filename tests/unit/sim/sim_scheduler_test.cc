#include "tests/sim/sim_scheduler.h"

namespace henge::sim {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(SimSchedulerTest, RunsEventsByTimeAndJumpsThere) {
  SimScheduler scheduler(1);
  std::vector<int64_t> seen;
  for (const int64_t at : {3, 1, 2}) {
    scheduler.After(seconds(at), [&] { seen.push_back(scheduler.now().time_since_epoch() / seconds(1)); });
  }
  scheduler.RunFor(seconds(10));
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  EXPECT_EQ(scheduler.now(), SimTime(seconds(10)));
  EXPECT_EQ(scheduler.executed(), 3u);
}

TEST(SimSchedulerTest, AnEventForThePastRunsNowButNotAtOnce) {
  SimScheduler scheduler(1);
  scheduler.RunFor(seconds(5));
  bool ran = false;
  scheduler.At(SimTime(seconds(1)), [&ran] { ran = true; });
  EXPECT_FALSE(ran);
  EXPECT_TRUE(scheduler.RunOne());
  EXPECT_TRUE(ran);
  EXPECT_EQ(scheduler.now(), SimTime(seconds(5)));
}

std::string OrderOfOneInstant(uint64_t seed) {
  SimScheduler scheduler(seed);
  std::string order;
  for (char c = 'a'; c < 'k'; ++c) scheduler.After(seconds(1), [&order, c] { order += c; });
  scheduler.RunFor(seconds(1));
  return order;
}

TEST(SimSchedulerTest, TheSeedOrdersEventsOfOneInstant) {
  EXPECT_EQ(OrderOfOneInstant(1), OrderOfOneInstant(1));
  EXPECT_EQ(OrderOfOneInstant(1).size(), 10u);
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) orders.insert(OrderOfOneInstant(seed));
  EXPECT_GT(orders.size(), 15u);
}

TEST(SimSchedulerTest, ACancelledEventIsDestroyedUnrun) {
  SimScheduler scheduler(1);
  auto token = std::make_shared<int>(0);
  const auto event = scheduler.After(seconds(1), [token] { ++*token; });
  scheduler.Cancel(event);
  EXPECT_EQ(token.use_count(), 1);
  scheduler.Cancel(event);
  scheduler.RunFor(seconds(2));
  EXPECT_EQ(*token, 0);
}

TEST(SimSchedulerTest, TheBudgetEndsALivelock) {
  SimScheduler scheduler(1, 1000);
  struct Forever {
    SimScheduler& scheduler;
    void operator()() const { scheduler.After(Duration(0), Forever{scheduler}); }
  };
  scheduler.After(Duration(0), Forever{scheduler});
  scheduler.RunFor(seconds(1));
  EXPECT_TRUE(scheduler.exhausted());
  EXPECT_EQ(scheduler.executed(), 1000u);
  EXPECT_FALSE(scheduler.RunOne());
}

TEST(SimSchedulerTest, RunUntilTrueStopsAtTheEventThatMakesItSo) {
  SimScheduler scheduler(1);
  int count = 0;
  for (int i = 1; i <= 5; ++i) scheduler.After(seconds(i), [&count] { ++count; });
  EXPECT_TRUE(scheduler.RunUntilTrue([&count] { return count == 3; }, SimTime(seconds(100))));
  EXPECT_EQ(scheduler.now(), SimTime(seconds(3)));
  EXPECT_FALSE(scheduler.RunUntilTrue([&count] { return count == 9; }, SimTime(seconds(4))));
  EXPECT_EQ(count, 4);
  EXPECT_EQ(scheduler.now(), SimTime(seconds(4)));
}

TEST(SimTraceTest, EveryPartOfAnEventCounts) {
  const auto hash = [](int64_t at, std::string_view what, uint64_t a, uint64_t b, uint64_t c) {
    SimTrace trace;
    trace.Add(SimTime(Duration(at)), what, a, b, c);
    return trace.hash();
  };
  std::set<uint64_t> hashes = {hash(1, "A", 1, 2, 3), hash(2, "A", 1, 2, 3), hash(1, "B", 1, 2, 3),
                               hash(1, "A", 2, 2, 3), hash(1, "A", 1, 3, 3), hash(1, "A", 1, 2, 4)};
  EXPECT_EQ(hashes.size(), 6u);
  EXPECT_TRUE(hashes.contains(hash(1, "A", 1, 2, 3)));
}

TEST(SimTraceTest, TheOrderOfEventsCounts) {
  SimTrace ab, ba;
  ab.Add(SimTime(), "A");
  ab.Add(SimTime(), "B");
  ba.Add(SimTime(), "B");
  ba.Add(SimTime(), "A");
  EXPECT_NE(ab.hash(), ba.hash());
  EXPECT_EQ(ab.events(), 2u);
}

TEST(SimTraceTest, ShowingLinesChangesNoHash) {
  SimTrace quiet, shown;
  std::vector<std::string> lines;
  shown.ShowLines([&lines](const std::string& line) { lines.push_back(line); });
  for (SimTrace* trace : {&quiet, &shown}) {
    trace->Add(SimTime(Duration(5)), "Turn", 1);
    trace->AddText(SimTime(Duration(6)), "n1", 2, "PeerDown");
  }
  EXPECT_EQ(quiet.hash(), shown.hash());
  EXPECT_THAT(lines, ElementsAre("5 Turn 1 0 0", "6 n1 2 PeerDown"));
}

}  // namespace
}  // namespace henge::sim
