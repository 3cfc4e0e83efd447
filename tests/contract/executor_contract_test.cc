// What core/runtime/executor.h promises, of the loop on a thread and of the simulated one.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/real/loop_executor.h"
#include "node/real/system_clock.h"
#include "tests/contract/signal.h"
#include "tests/sim/sim_executor.h"

namespace henge::contract {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

class RealWorld {
 public:
  RealWorld() { loop_.Start(); }
  Executor& loop() { return loop_; }
  const Clock& clock() const { return clock_; }
  // Runs `closure` on the loop and waits for it.
  void Run(Closure closure) { EXPECT_TRUE(loop_.RunAndWait(std::move(closure))); }
  bool Await(const Signal& signal) { return signal.Await(); }
  // Ends the loop; what is unrun has been destroyed on return.
  void Stop() {
    loop_.Stop();
    loop_.Join();
  }

 private:
  SystemClock clock_;
  LoopExecutor loop_{clock_, {.name = "contract"}};
};

class SimWorld {
 public:
  Executor& loop() { return loop_; }
  const Clock& clock() const { return clock_; }
  void Run(Closure closure) {
    Signal ran;
    loop_.Post([&ran, closure = std::move(closure)]() mutable {
      closure();
      ran.Set();
    });
    EXPECT_TRUE(Await(ran));
  }
  bool Await(const Signal& signal) { return signal.Await(scheduler_); }
  void Stop() { loop_.Kill(); }

 private:
  sim::SimScheduler scheduler_{1};
  sim::SimClock clock_{scheduler_, {}};
  sim::SimExecutor loop_{scheduler_, clock_, sim::SimRandom(2), 1, {}};
};

template <class World>
class ExecutorContractTest : public ::testing::Test {
 protected:
  MonotonicTime In(Duration delay) const { return world_.clock().Now() + delay; }
  // A closure that notes `name` when it runs. The notes belong to the loop.
  Closure Note(std::string name) {
    return [this, name = std::move(name)] { notes_.push_back(name); };
  }
  // What has been noted, read on the loop.
  std::vector<std::string> Notes() {
    std::vector<std::string> out;
    world_.Run([this, &out] { out = notes_; });
    return out;
  }
  Executor& loop() { return world_.loop(); }

  std::vector<std::string> notes_;  // outlives the world and its closures
  World world_;
};

using Worlds = ::testing::Types<RealWorld, SimWorld>;
class WorldNames {
 public:
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, RealWorld> ? "Real" : "Sim";
  }
};
TYPED_TEST_SUITE(ExecutorContractTest, Worlds, WorldNames);

// Counts its destructions: stands in what a closure captures.
class Tally {
 public:
  explicit Tally(std::atomic<int>* destroyed) : destroyed_(destroyed) {}
  Tally(Tally&& other) noexcept : destroyed_(std::exchange(other.destroyed_, nullptr)) {}
  Tally& operator=(Tally&&) = delete;
  ~Tally() {
    if (destroyed_ != nullptr) ++*destroyed_;
  }

 private:
  std::atomic<int>* destroyed_;
};

TYPED_TEST(ExecutorContractTest, RunsPostsOfOnePosterInOrder) {
  std::vector<int> seen;
  for (int i = 0; i < 5000; ++i) this->loop().Post([&seen, i] { seen.push_back(i); });
  this->world_.Run([] {});
  ASSERT_EQ(seen.size(), 5000u);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(seen[static_cast<size_t>(i)], i);
}

TYPED_TEST(ExecutorContractTest, RunsPostsOfTheLoopItselfInOrderAndNeverInsidePost) {
  Signal done;
  std::vector<int> seen;
  this->loop().Post([&] {
    for (int i = 0; i < 3000; ++i) this->loop().Post([&seen, i] { seen.push_back(i); });
    EXPECT_TRUE(seen.empty());
    this->loop().Post([&done] { done.Set(); });
  });
  ASSERT_TRUE(this->world_.Await(done));
  this->world_.Run([&seen] {
    ASSERT_EQ(seen.size(), 3000u);
    for (int i = 0; i < 3000; ++i) ASSERT_EQ(seen[static_cast<size_t>(i)], i);
  });
}

TYPED_TEST(ExecutorContractTest, RunsTimersByTimeThenByArming) {
  Signal done;
  this->world_.Run([&] {
    const MonotonicTime base = this->In(milliseconds(2));
    this->loop().RunAt(base + milliseconds(2), this->Note("third"));
    this->loop().RunAt(base, this->Note("first"));
    this->loop().RunAt(base + milliseconds(2), this->Note("fourth"));
    this->loop().RunAt(base + milliseconds(1), this->Note("second"));
    this->loop().RunAt(base + milliseconds(4), [&done] { done.Set(); });
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_THAT(this->Notes(), ElementsAre("first", "second", "third", "fourth"));
}

TYPED_TEST(ExecutorContractTest, NeverRunsATimerBeforeItsTime) {
  constexpr int kTimers = 50;
  Signal done;
  int left = kTimers;
  int early = 0;
  this->world_.Run([&] {
    for (int i = 0; i < kTimers; ++i) {
      const MonotonicTime when = this->In(std::chrono::microseconds(i * 137));
      this->loop().RunAt(when, [&, when] {
        if (this->world_.clock().Now() < when) ++early;
        if (--left == 0) done.Set();
      });
    }
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_EQ(early, 0);
}

TYPED_TEST(ExecutorContractTest, RunsATimerOfThePastAtOnceButNotInsideRunAt) {
  Signal done;
  this->world_.Run([&] {
    this->loop().RunAt(MonotonicTime::min(), [&done] { done.Set(); });
    EXPECT_FALSE(done.IsSet());
  });
  EXPECT_TRUE(this->world_.Await(done));
}

TYPED_TEST(ExecutorContractTest, NeverRunsACancelledTimer) {
  Signal done;
  std::atomic<int> destroyed = 0;
  this->world_.Run([&] {
    const MonotonicTime when = this->In(milliseconds(1));
    const TimerId doomed =
        this->loop().RunAt(when, [this, tally = Tally(&destroyed)] { this->notes_.push_back("no"); });
    this->loop().Cancel(doomed);
    EXPECT_EQ(destroyed, 1);
    this->loop().RunAt(when + milliseconds(2), [&done] { done.Set(); });
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_TRUE(this->Notes().empty());
}

TYPED_TEST(ExecutorContractTest, ATimerMayCancelAnotherThatIsDueAtTheSameTime) {
  Signal done;
  TimerId second;
  this->world_.Run([&] {
    const MonotonicTime when = this->In(milliseconds(1));
    this->loop().RunAt(when, [&] { this->loop().Cancel(second); });
    second = this->loop().RunAt(when, this->Note("no"));
    this->loop().RunAt(when, [&done] { done.Set(); });
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_TRUE(this->Notes().empty());
}

TYPED_TEST(ExecutorContractTest, CancellingATimerThatHasRunTouchesNoNewerOne) {
  Signal done;
  this->world_.Run([&] {
    auto first = std::make_shared<TimerId>();
    *first = this->loop().RunAt(MonotonicTime::min(), [&, first] {
      const TimerId second = this->loop().RunAt(this->In(milliseconds(1)), [&done] { done.Set(); });
      EXPECT_NE(second, *first);
      this->loop().Cancel(*first);
      this->loop().Cancel(*first);
    });
  });
  EXPECT_TRUE(this->world_.Await(done));
}

TYPED_TEST(ExecutorContractTest, RunsThePhasesInTheirOrderAtTheTurnsEnd) {
  Signal done;
  this->world_.Run([&] {
    this->loop().AtTurnEnd(TurnPhase::kSend, this->Note("send"));
    this->loop().AtTurnEnd(TurnPhase::kCommit, this->Note("commit 1"));
    this->loop().AtTurnEnd(TurnPhase::kRead, this->Note("read"));
    this->loop().AtTurnEnd(TurnPhase::kCommit, this->Note("commit 2"));
    this->notes_.push_back("turn");
  });
  EXPECT_THAT(this->Notes(), ElementsAre("turn", "read", "commit 1", "commit 2", "send"));
}

TYPED_TEST(ExecutorContractTest, RepeatsThePhasesReadsFirstUntilNothingIsDeferred) {
  // The shape of a put: read the base, commit the mint and send it on; the send phase comes last, with all of it.
  this->world_.Run([&] {
    this->loop().AtTurnEnd(TurnPhase::kSend, this->Note("send"));
    this->loop().AtTurnEnd(TurnPhase::kRead, [&] {
      this->notes_.push_back("read");
      this->loop().AtTurnEnd(TurnPhase::kSend, this->Note("send the minted"));
      this->loop().AtTurnEnd(TurnPhase::kCommit, [&] {
        this->notes_.push_back("commit");
        this->loop().AtTurnEnd(TurnPhase::kRead, this->Note("read again"));
        this->loop().AtTurnEnd(TurnPhase::kCommit, this->Note("commit again"));
      });
    });
  });
  EXPECT_THAT(this->Notes(), ElementsAre("read", "commit", "read again", "commit again", "send", "send the minted"));
}

TYPED_TEST(ExecutorContractTest, WhatAPhasePostsRunsAfterThePhases) {
  Signal done;
  this->world_.Run([&] {
    this->loop().AtTurnEnd(TurnPhase::kRead, [&] {
      this->loop().Post([&] {
        this->notes_.push_back("posted");
        done.Set();
      });
      this->notes_.push_back("read");
    });
    this->loop().AtTurnEnd(TurnPhase::kSend, this->Note("send"));
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_THAT(this->Notes(), ElementsAre("read", "send", "posted"));
}

TYPED_TEST(ExecutorContractTest, WhatATimerDefersRunsInItsTurn) {
  Signal done;
  this->world_.Run([&] {
    this->loop().RunAt(MonotonicTime::min(), [&] {
      this->notes_.push_back("timer");
      this->loop().AtTurnEnd(TurnPhase::kSend, [&] {
        this->notes_.push_back("send");
        done.Set();
      });
    });
  });
  ASSERT_TRUE(this->world_.Await(done));
  EXPECT_THAT(this->Notes(), ElementsAre("timer", "send"));
}

TYPED_TEST(ExecutorContractTest, RunsTimersWhileTheLoopFloodsItselfWithPosts) {
  Signal done;
  auto stop = std::make_shared<bool>(false);
  struct Flood {
    Executor& loop;
    std::shared_ptr<bool> stop;
    void operator()() const {
      if (!*stop) loop.Post(Flood{loop, stop});
    }
  };
  this->world_.Run([&] {
    this->loop().Post(Flood{this->loop(), stop});
    this->loop().RunAt(this->In(milliseconds(1)), [&, stop] {
      *stop = true;
      done.Set();
    });
  });
  EXPECT_TRUE(this->world_.Await(done));
}

TYPED_TEST(ExecutorContractTest, ATimerThatArmsItselfForThePastStarvesNobody) {
  Signal done;
  auto stop = std::make_shared<bool>(false);
  struct Again {
    Executor& loop;
    std::shared_ptr<bool> stop;
    void operator()() const {
      if (!*stop) loop.RunAt(MonotonicTime::min(), Again{loop, stop});
    }
  };
  this->world_.Run([&] {
    this->loop().RunAt(MonotonicTime::min(), Again{this->loop(), stop});
    this->loop().RunAt(this->In(milliseconds(1)), [&, stop] {
      this->loop().Post([&, stop] {
        *stop = true;
        done.Set();
      });
    });
  });
  EXPECT_TRUE(this->world_.Await(done));
}

TYPED_TEST(ExecutorContractTest, StopDestroysUnrunWhatIsPostedArmedAndDeferred) {
  std::atomic<int> destroyed = 0;
  std::atomic<int> ran = 0;
  this->world_.Run([&] {
    this->loop().RunAt(this->In(std::chrono::hours(1)), [&ran, tally = Tally(&destroyed)] { ++ran; });
    this->loop().RunAt(MonotonicTime::max(), [&ran, tally = Tally(&destroyed)] { ++ran; });
  });
  EXPECT_EQ(destroyed, 0);
  this->world_.Stop();
  EXPECT_EQ(destroyed, 2);
  this->loop().Post([&ran, tally = Tally(&destroyed)] { ++ran; });
  EXPECT_EQ(destroyed, 3);
  EXPECT_EQ(ran, 0);
}

TYPED_TEST(ExecutorContractTest, WhatTheDestroyedPostAndArmDiesToo) {
  // A capture that, when destroyed, hands more work to the loop, as a dropped reply function may.
  struct Reposter {
    Executor* loop;
    std::atomic<int>* ran;
    explicit Reposter(Executor* l, std::atomic<int>* r) : loop(l), ran(r) {}
    Reposter(Reposter&& other) noexcept : loop(std::exchange(other.loop, nullptr)), ran(other.ran) {}
    ~Reposter() {
      if (loop == nullptr) return;
      loop->Post([r = ran] { ++*r; });
      loop->AtTurnEnd(TurnPhase::kRead, [r = ran] { ++*r; });
      loop->Cancel(loop->RunAt(MonotonicTime::min(), [r = ran] { ++*r; }));
    }
  };
  std::atomic<int> ran = 0;
  this->world_.Run([&] {
    const MonotonicTime late = this->In(std::chrono::hours(1));
    for (int i = 0; i < 3; ++i) this->loop().RunAt(late, [r = Reposter(&this->loop(), &ran)] {});
  });
  this->world_.Stop();
  EXPECT_EQ(ran, 0);
}

}  // namespace
}  // namespace henge::contract
