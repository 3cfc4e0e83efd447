// Timers of one loop, ordered by time, then by arming. Most of them are cancelled (deadlines of requests that end
// well), so that cancelling is cheap and leaves nothing behind: the heap knows where each of its timers stands.
//
// A plain value of one loop. Invariants:
//   1. heap_[i] is not later than its children, heap_[4i+1] .. heap_[4i+4];
//   2. slots_[heap_[i].slot].position == i;
//   3. an id names one arming for ever: it holds its slot's generation, which grows when the slot is freed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/runtime/executor.h"

namespace henge {

class TimerHeap {
 public:
  // O(log n); O(1) for a timer later than most, the usual deadline.
  TimerId Add(MonotonicTime when, Closure closure);
  // Destroys the closure and returns true; false if `timer` has been popped or cancelled before, or never was.
  bool Cancel(TimerId timer);

  std::optional<MonotonicTime> NextTime() const;
  // The earliest timer that is due at `now` and was armed before `mark`; an empty closure if there is none. A timer
  // that is armed for a time before `now` from here on stands at `now`: it can't keep others that are due from their
  // turn.
  Closure PopDue(MonotonicTime now, uint64_t mark);
  // Stands for "everything armed until now": a timer that a due timer arms waits for the next round.
  uint64_t mark() const { return next_sequence_; }

  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    MonotonicTime when;
    uint64_t sequence;
    uint32_t slot;
    bool Before(const Entry& other) const { return when != other.when ? when < other.when : sequence < other.sequence; }
  };
  struct Slot {
    Closure closure;
    uint32_t generation = 1;
    uint32_t position = 0;
  };

  void Place(size_t position, Entry entry);
  void SiftUp(size_t position);
  void SiftDown(size_t position);
  Closure Remove(size_t position);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint64_t next_sequence_ = 0;
  MonotonicTime floor_ = MonotonicTime::min();  // the latest `now` that was asked about
};

}  // namespace henge
