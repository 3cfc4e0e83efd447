// What only the loop on a thread has: other threads. The rest is tests/contract/executor_contract_test.cc.
#include "node/real/loop_executor.h"

#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "node/real/system_clock.h"

namespace henge {
namespace {

using std::chrono::milliseconds;

class LoopExecutorTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  LoopExecutor loop_{clock_, {.name = "test", .turn_closures_max = 16}};
};

TEST_F(LoopExecutorTest, RunsPostsOfManyThreadsOnceEachAndInTheirOrder) {
  constexpr size_t kThreads = 4;
  constexpr int kPosts = 50'000;
  loop_.Start();
  std::array<int, kThreads> next{};  // the loop's
  int disorder = 0;
  std::vector<std::thread> posters;
  for (size_t t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop_.Post([&, t, i] {
          if (next[t] != i) ++disorder;
          next[t] = i + 1;
        });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  ASSERT_TRUE(loop_.RunAndWait([] {}));
  EXPECT_EQ(disorder, 0);
  for (const int count : next) EXPECT_EQ(count, kPosts);
}

// Until the loop sleeps its own thread takes the closure; then the helper's does.
TEST_F(LoopExecutorTest, AHelperRunsTheTurnOfASleepingLoop) {
  loop_.Start();
  std::atomic<bool> helped = false;
  bool on_loop = false;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!helped && std::chrono::steady_clock::now() < give_up) {
    loop_.PostAndHelp([&, me = std::this_thread::get_id()] {
      if (std::this_thread::get_id() != me) return;
      on_loop = loop_.OnLoop();
      helped = true;
    });
  }
  EXPECT_TRUE(helped);
  EXPECT_TRUE(on_loop) << "the helper is the loop meanwhile";
  EXPECT_FALSE(loop_.OnLoop()) << "and not afterwards";
  EXPECT_TRUE(loop_.RunAndWait([] {}));
}

TEST_F(LoopExecutorTest, HelpersAndTheThreadAreNeverTheLoopAtOnce) {
  constexpr size_t kThreads = 4;
  constexpr int kPosts = 20'000;
  loop_.Start();
  std::array<int, kThreads> next{};  // the loop's
  int disorder = 0, timers = 0;
  std::atomic<int> inside = 0, overlaps = 0;
  std::vector<std::thread> posters;
  for (size_t t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        auto closure = [&, t, i] {
          if (inside.fetch_add(1) != 0) ++overlaps;
          if (next[t] != i) ++disorder;
          next[t] = i + 1;
          if (i % 1000 == 0) loop_.RunAt(clock_.Now() + milliseconds(1), [&timers] { ++timers; });
          inside.fetch_sub(1);
        };
        if (i % 3 == 0) {
          loop_.Post(closure);
        } else {
          loop_.PostAndHelp(closure);
        }
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  std::promise<void> last;
  ASSERT_TRUE(loop_.RunAndWait([&] { loop_.RunAt(clock_.Now() + milliseconds(5), [&] { last.set_value(); }); }));
  ASSERT_EQ(last.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  ASSERT_TRUE(loop_.RunAndWait([] {}));
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(disorder, 0);
  for (const int count : next) EXPECT_EQ(count, kPosts);
  EXPECT_EQ(timers, static_cast<int>(kThreads) * kPosts / 1000);
}

// The thread sleeps until the timers that it knew; one that a helper armed may be earlier.
TEST_F(LoopExecutorTest, ATimerThatAHelperArmedFires) {
  loop_.Start();
  ASSERT_TRUE(loop_.RunAndWait([this] { loop_.RunAt(clock_.Now() + std::chrono::hours(5), [] {}); }));
  for (int i = 0; i < 50; ++i) {
    std::promise<void> fired;
    loop_.PostAndHelp([&] { loop_.RunAt(clock_.Now() + milliseconds(1), [&fired] { fired.set_value(); }); });
    ASSERT_EQ(fired.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready) << i;
  }
}

TEST_F(LoopExecutorTest, WhatIsPostedDuringALentTurnRuns) {
  loop_.Start();
  for (int i = 0; i < 200; ++i) {
    std::promise<void> ran;
    loop_.PostAndHelp([&] { std::thread([&] { loop_.Post([&ran] { ran.set_value(); }); }).join(); });
    ASSERT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready) << i;
  }
}

TEST_F(LoopExecutorTest, ALentLoopCanBeStopped) {
  loop_.Start();
  ASSERT_TRUE(loop_.RunAndWait([] {}));
  loop_.PostAndHelp([this] { loop_.Stop(); });
  loop_.Join();
  bool ran = false;
  loop_.PostAndHelp([&ran] { ran = true; });
  EXPECT_FALSE(ran);
}

TEST_F(LoopExecutorTest, WakesForEveryPostHoweverDeepItSleeps) {
  loop_.Start();
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(loop_.RunAndWait([] {}));
}

TEST_F(LoopExecutorTest, APostWakesItFromTheSleepBeforeATimer) {
  loop_.Start();
  ASSERT_TRUE(loop_.RunAndWait([this] { loop_.RunAt(clock_.Now() + std::chrono::hours(5), [] {}); }));
  std::promise<void> ran;
  loop_.Post([&ran] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(LoopExecutorTest, KnowsItsOwnThread) {
  EXPECT_TRUE(loop_.OnLoop());
  loop_.Start();
  bool inside = false;
  ASSERT_TRUE(loop_.RunAndWait([&] { inside = loop_.OnLoop(); }));
  EXPECT_TRUE(inside);
  EXPECT_FALSE(loop_.OnLoop());
  loop_.Stop();
  loop_.Join();
  EXPECT_TRUE(loop_.OnLoop());
}

TEST_F(LoopExecutorTest, RunsWhatWasPostedArmedAndDeferredBeforeTheStart) {
  std::promise<void> ran;
  std::string order;
  loop_.AtTurnEnd(TurnPhase::kCommit, [&order] { order += "c"; });
  loop_.Post([&order] { order += "p"; });
  loop_.RunAt(clock_.Now(), [&] { loop_.Post([&ran] { ran.set_value(); }); });
  loop_.Start();
  ASSERT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  ASSERT_TRUE(loop_.RunAndWait([] {}));
  EXPECT_EQ(order, "pc");
}

TEST_F(LoopExecutorTest, StopFromTheLoopEndsTheTurnWithItsPhasesAndDestroysTheRest) {
  auto left = std::make_shared<int>(0);
  std::atomic<bool> sent = false;
  loop_.Start();
  loop_.Post([this, left, &sent] {
    loop_.AtTurnEnd(TurnPhase::kSend, [this, left, &sent] {
      sent = true;
      loop_.Post([left] { ++*left; });
      loop_.Stop();
    });
  });
  loop_.Join();
  EXPECT_TRUE(sent);
  EXPECT_EQ(*left, 0);
  EXPECT_EQ(left.use_count(), 1);
}

TEST_F(LoopExecutorTest, EveryPostThatRacesWithStopIsRunOrDestroyed) {
  constexpr int kPosts = 20'000;
  auto token = std::make_shared<std::atomic<int>>(0);
  loop_.Start();
  std::thread poster([this, token] {
    for (int i = 0; i < kPosts; ++i) loop_.Post([token] { ++*token; });
  });
  loop_.Stop();
  loop_.Join();
  poster.join();
  EXPECT_LE(*token, kPosts);
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(LoopExecutorTest, RunAndWaitSaysWhenTheLoopIsGone) {
  loop_.Start();
  loop_.Stop();
  // The loop may end before or after it takes this one; either way the answer is true to what happened.
  bool ran = false;
  EXPECT_EQ(loop_.RunAndWait([&ran] { ran = true; }), ran);
  std::thread([this] { EXPECT_FALSE(loop_.RunAndWait([] {})); }).join();
}

TEST_F(LoopExecutorTest, ALoopThatNeverStartedDestroysWhatItWasGiven) {
  auto token = std::make_shared<int>(0);
  {
    LoopExecutor loop(clock_, {});
    loop.Post([token] {});
    loop.RunAt(clock_.Now(), [token] {});
    loop.AtTurnEnd(TurnPhase::kRead, [token] {});
    std::thread([&loop, token] { loop.Post([token] {}); }).join();
    EXPECT_EQ(token.use_count(), 5);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(LoopExecutorTest, AStreamOfPostsFromOutsideDoesNotKeepATimerFromItsTime) {
  loop_.Start();
  std::atomic<bool> fired = false;
  ASSERT_TRUE(loop_.RunAndWait([&] { loop_.RunAt(clock_.Now() + milliseconds(2), [&fired] { fired = true; }); }));
  std::atomic<uint64_t> ran = 0;
  uint64_t posted = 0;
  while (!fired && posted < 50'000'000) {
    // Ahead of the loop, but by a bounded number.
    if (posted - ran > 10'000) continue;
    loop_.Post([&ran] { ++ran; });
    ++posted;
  }
  EXPECT_TRUE(fired);
  loop_.Stop();
  loop_.Join();
}

TEST(LoopExecutorDeathTest, RefusesLoopCallsFromElsewhere) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  SystemClock clock;
  LoopExecutor loop(clock, {});
  EXPECT_DEATH(std::thread([&loop] { loop.RunAt(MonotonicTime::min(), [] {}); }).join(), "OnLoop");
}

}  // namespace
}  // namespace henge
