// A loop of a simulated process: turns are events of the scheduler, and last no virtual time.
//
// The turn itself is core/runtime/turn_loop.h, as in the real loop. Simulated is when it comes: a seeded delay after
// the post or the timer that asks for it, so that more may gather, and how much of what waits one turn takes.
#pragma once

#include <optional>

#include "core/runtime/turn_loop.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

struct SimLoopOptions {
  Duration wake_delay_min = std::chrono::microseconds(1);    // from a post to the turn that runs it: at least this,
  Duration wake_delay_mean = std::chrono::microseconds(20);  // and this much more on average
  Duration timer_late_max = std::chrono::microseconds(200);  // how late a timer may run
  uint64_t turn_closures_max = 64;
};

// Owned by the process that it simulates (sim_process.h); outlived by the scheduler and the clock.
class SimExecutor final : public Executor {
 public:
  // `id` names the loop in the trace.
  SimExecutor(SimScheduler& scheduler, const SimClock& clock, SimRandom random, uint64_t id, SimLoopOptions options);
  ~SimExecutor() override { Kill(); }
  SimExecutor(const SimExecutor&) = delete;
  SimExecutor& operator=(const SimExecutor&) = delete;

  void Post(Closure closure) override;
  TimerId RunAt(MonotonicTime when, Closure closure) override;
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure) override;

  // The crash: destroys everything unrun, takes nothing any more. A turn under way ends with the closure that is
  // running.
  void Kill();
  bool alive() const { return !loop_.ended(); }

  // SIGSTOP and SIGCONT: nothing runs between, while time goes on.
  void Pause();
  void Resume();

  // Makes the process slower or faster from the next turn on.
  void SetOptions(SimLoopOptions options) { options_ = options; }

  // Whether nothing is posted or deferred (timers may be armed).
  bool quiet() const { return !loop_.HasWork(); }
  // Whether one of this loop's turns is under way.
  bool in_turn() const { return in_turn_; }

 private:
  // Sees to it that a turn comes in time for what waits.
  void Arrange();
  void RunTurn();

  SimScheduler& scheduler_;
  const SimClock& clock_;
  SimRandom random_;
  const uint64_t id_;
  SimLoopOptions options_;
  TurnLoop loop_;
  std::optional<SimScheduler::EventId> turn_;  // the next one, if any is arranged
  bool turn_for_work_ = false;                 // it comes for what is posted, not for a timer
  bool in_turn_ = false;
  bool paused_ = false;
};

}  // namespace henge::sim
