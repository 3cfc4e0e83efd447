// What only the simulated loop has: crashes, pauses and a seed. The rest is tests/contract/executor_contract_test.cc.
#include "tests/sim/sim_executor.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SimExecutorTest : public ::testing::Test {
 protected:
  SimScheduler scheduler_{1};
  SimClock clock_{scheduler_, {}};
  SimExecutor loop_{scheduler_, clock_, SimRandom(2), 1, {}};
};

TEST_F(SimExecutorTest, APostTakesAWhile) {
  bool ran = false;
  loop_.Post([&ran] { ran = true; });
  scheduler_.RunUntil(scheduler_.now());
  EXPECT_FALSE(ran);
  scheduler_.RunFor(milliseconds(10));
  EXPECT_TRUE(ran);
}

TEST_F(SimExecutorTest, ATimerRunsSoonAfterItsTime) {
  SimTime ran{};
  loop_.RunAt(clock_.Now() + seconds(1), [&] { ran = scheduler_.now(); });
  scheduler_.RunFor(seconds(2));
  EXPECT_GE(ran, SimTime(seconds(1)));
  EXPECT_LE(ran, SimTime(seconds(1) + milliseconds(1)));
}

TEST_F(SimExecutorTest, AnEarlierTimerOvertakesAnArrangedTurn) {
  std::string order;
  loop_.RunAt(clock_.Now() + seconds(9), [&order] { order += "b"; });
  loop_.RunAt(clock_.Now() + seconds(1), [&order] { order += "a"; });
  scheduler_.RunFor(seconds(2));
  EXPECT_EQ(order, "a");
  loop_.Post([&order] { order += "p"; });
  scheduler_.RunFor(milliseconds(10));
  EXPECT_EQ(order, "ap");
  scheduler_.RunFor(seconds(8));
  EXPECT_EQ(order, "apb");
}

TEST_F(SimExecutorTest, KillDestroysEverythingUnrun) {
  auto token = std::make_shared<int>(0);
  loop_.Post([token] { ++*token; });
  loop_.RunAt(clock_.Now() + seconds(1), [token] { ++*token; });
  loop_.AtTurnEnd(TurnPhase::kSend, [token] { ++*token; });
  EXPECT_EQ(token.use_count(), 4);
  loop_.Kill();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(loop_.alive());
  loop_.Post([token] { ++*token; });
  EXPECT_EQ(token.use_count(), 1);
  scheduler_.RunFor(seconds(5));
  EXPECT_EQ(*token, 0);
  EXPECT_EQ(scheduler_.pending(), 0u);
}

TEST_F(SimExecutorTest, APausedLoopRunsNothingUntilItResumesWhileTimeGoesOn) {
  std::string order;
  loop_.RunAt(clock_.Now() + seconds(1), [&order] { order += "t"; });
  loop_.Post([&order] { order += "p"; });
  loop_.Pause();
  scheduler_.RunFor(seconds(10));
  loop_.Post([&order] { order += "q"; });
  scheduler_.RunFor(seconds(10));
  EXPECT_EQ(order, "");
  loop_.Resume();
  scheduler_.RunFor(milliseconds(10));
  EXPECT_EQ(order.size(), 3u);
  EXPECT_LT(order.find('p'), order.find('q'));
}

uint64_t TraceOf(uint64_t seed) {
  SimScheduler scheduler(seed);
  SimClock clock(scheduler, {});
  SimRandom random(seed);
  SimExecutor a(scheduler, clock, random.Split("a"), 1, {});
  SimExecutor b(scheduler, clock, random.Split("b"), 2, {});
  // Two loops that throw a ball to each other, and timers between.
  struct Ball {
    SimExecutor *here, *there;
    const SimClock* clock;
    int left;
    void operator()() const {
      if (left == 0) return;
      there->Post(Ball{there, here, clock, left - 1});
      here->RunAt(clock->Now() + milliseconds(left % 7), [] {});
    }
  };
  a.Post(Ball{&a, &b, &clock, 500});
  scheduler.RunFor(seconds(10));
  return scheduler.Unseed();
}

TEST(SimDeterminismTest, OneSeedGivesOneTraceAndAnotherAnother) {
  EXPECT_EQ(TraceOf(1), TraceOf(1));
  EXPECT_NE(TraceOf(1), TraceOf(2));
}

}  // namespace
}  // namespace henge::sim
