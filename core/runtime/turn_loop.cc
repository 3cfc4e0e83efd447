#include "core/runtime/turn_loop.h"

#include <utility>

namespace henge {
namespace {

// Below this many spent slots, moving the rest to the front costs more than the memory is worth.
constexpr size_t kCompactFrom = 1024;

}  // namespace

Closure TurnLoop::Queue::Pop() {
  Closure closure = std::move(items_[head_]);
  ++head_;
  if (head_ == items_.size()) {
    items_.clear();
    head_ = 0;
  } else if (head_ >= kCompactFrom && head_ * 2 >= items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  return closure;
}

void TurnLoop::Post(Closure closure) {
  if (!ended_) local_.Push(std::move(closure));
}

TimerId TurnLoop::RunAt(MonotonicTime when, Closure closure) {
  if (ended_) return TimerId();
  return timers_.Add(when, std::move(closure));
}

void TurnLoop::AtTurnEnd(TurnPhase phase, Closure closure) {
  if (!ended_) deferred_[static_cast<size_t>(phase)].push_back(std::move(closure));
}

bool TurnLoop::HasWork() const {
  for (const std::vector<Closure>& closures : deferred_) {
    if (!closures.empty()) return true;
  }
  return !inbox_.empty() || !local_.empty();
}

void TurnLoop::RunTurn(const Clock& clock, size_t closures_max) {
  RunSome(&inbox_, closures_max);
  RunSome(&local_, closures_max);
  RunDueTimers(clock);
  // What the timers have posted joins the batches of this turn.
  RunSome(&local_, closures_max);
  RunPhases();
}

void TurnLoop::RunSome(Queue* queue, size_t count_max) {
  for (size_t i = 0; i < count_max && !queue->empty(); ++i) queue->Pop()();
}

void TurnLoop::RunDueTimers(const Clock& clock) {
  if (timers_.size() == 0) return;
  const MonotonicTime now = clock.Now();
  const uint64_t mark = timers_.mark();
  while (Closure closure = timers_.PopDue(now, mark)) closure();
}

void TurnLoop::RunPhases() {
  size_t phase = 0;
  while (phase < deferred_.size()) {
    if (deferred_[phase].empty()) {
      ++phase;
      continue;
    }
    std::vector<Closure> batch;
    batch.swap(deferred_[phase]);
    for (Closure& closure : batch) {
      if (ended_) return;
      std::exchange(closure, nullptr)();
    }
    phase = 0;
  }
}

void TurnLoop::End() {
  // From here on nothing is taken any more, so that what the destructors below post dies with them.
  ended_ = true;
  Queue inbox = std::exchange(inbox_, {});
  Queue local = std::exchange(local_, {});
  TimerHeap timers = std::exchange(timers_, {});
  auto deferred = std::exchange(deferred_, {});
}

}  // namespace henge
