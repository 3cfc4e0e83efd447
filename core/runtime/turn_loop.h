// What a loop holds and how one of its turns goes; the executors of both worlds drive it. A plain value of one loop.
//
// A turn: posted closures up to a bound, so that timers run under any load; then the timers that are due; then the
// phases. A phase that defers again sends the turn back to the first phase that has something, so that what one turn
// commits and sends is as much as it can be.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/timer_heap.h"

namespace henge {

class TurnLoop {
 public:
  // These four drop what they are given once the loop has ended.
  void Post(Closure closure);
  TimerId RunAt(MonotonicTime when, Closure closure);
  void Cancel(TimerId timer) { timers_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure);

  // Whether all that was taken from the inbox has run, and with it, whether Refill may be called.
  bool NeedsRefill() const { return inbox_.empty(); }
  // Swaps `newer`, what other threads have posted, for an empty vector with room.
  void Refill(std::vector<Closure>* newer) { inbox_.Refill(newer); }

  // Whether a turn would run something even if no timer is due.
  bool HasWork() const;
  std::optional<MonotonicTime> NextTimer() const { return timers_.NextTime(); }

  // Runs one turn: up to `closures_max` from the inbox, and as many that the loop has posted to itself.
  void RunTurn(const Clock& clock, size_t closures_max);

  // Destroys everything unrun. Inside a turn: the turn ends with the closure that is running.
  void End();
  bool ended() const { return ended_; }

 private:
  // First in, first out, with no allocation per item once it is warm.
  class Queue {
   public:
    bool empty() const { return head_ == items_.size(); }
    void Push(Closure closure) { items_.push_back(std::move(closure)); }
    Closure Pop();
    void Refill(std::vector<Closure>* newer) { items_.swap(*newer); }

   private:
    std::vector<Closure> items_;
    size_t head_ = 0;
  };

  static void RunSome(Queue* queue, size_t count_max);
  void RunDueTimers(const Clock& clock);
  void RunPhases();

  Queue inbox_;
  Queue local_;
  TimerHeap timers_;
  std::array<std::vector<Closure>, kTurnPhases> deferred_;
  bool ended_ = false;
};

}  // namespace henge
