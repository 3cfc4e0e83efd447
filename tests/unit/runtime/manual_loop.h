// A loop that a test turns by hand, with a clock that stands until it is moved.
#pragma once

#include <utility>

#include "core/runtime/turn_loop.h"

namespace henge {

class ManualClock : public Clock {
 public:
  MonotonicTime Now() const override { return now_; }
  WallTime WallNow() const override { return WallTime(std::chrono::milliseconds(0)); }
  void Advance(Duration by) { now_ += by; }

 private:
  MonotonicTime now_{std::chrono::seconds(100)};
};

class ManualLoop : public Executor {
 public:
  void Post(Closure closure) override { loop_.Post(std::move(closure)); }
  TimerId RunAt(MonotonicTime when, Closure closure) override { return loop_.RunAt(when, std::move(closure)); }
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure) override { loop_.AtTurnEnd(phase, std::move(closure)); }

  const ManualClock& clock() const { return clock_; }
  MonotonicTime In(Duration delay) const { return clock_.Now() + delay; }
  void Turn(size_t closures_max = 1000) { loop_.RunTurn(clock_, closures_max); }
  // Moves the clock, then turns.
  void Pass(Duration span) {
    clock_.Advance(span);
    Turn();
  }
  TurnLoop& loop() { return loop_; }

 private:
  ManualClock clock_;
  TurnLoop loop_;
};

}  // namespace henge
