#include "core/runtime/timer_heap.h"

#include <algorithm>
#include <utility>

namespace henge {
namespace {

constexpr size_t kChildren = 4;

uint32_t SlotOf(TimerId timer) { return static_cast<uint32_t>(timer.value()); }
uint32_t GenerationOf(TimerId timer) { return static_cast<uint32_t>(timer.value() >> 32); }

}  // namespace

TimerId TimerHeap::Add(MonotonicTime when, Closure closure) {
  uint32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].closure = std::move(closure);
  heap_.emplace_back();
  Place(heap_.size() - 1, Entry{std::max(when, floor_), next_sequence_++, slot});
  SiftUp(heap_.size() - 1);
  return TimerId((uint64_t{slots_[slot].generation} << 32) | slot);
}

bool TimerHeap::Cancel(TimerId timer) {
  const uint32_t slot = SlotOf(timer);
  if (slot >= slots_.size() || slots_[slot].generation != GenerationOf(timer) || !slots_[slot].closure) return false;
  // The closure dies last: its captures may cancel other timers on their way out.
  Closure doomed = Remove(slots_[slot].position);
  return true;
}

std::optional<MonotonicTime> TimerHeap::NextTime() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().when;
}

Closure TimerHeap::PopDue(MonotonicTime now, uint64_t mark) {
  floor_ = std::max(floor_, now);
  if (heap_.empty() || heap_.front().when > now || heap_.front().sequence >= mark) return nullptr;
  return Remove(0);
}

void TimerHeap::Place(size_t position, Entry entry) {
  heap_[position] = entry;
  slots_[entry.slot].position = static_cast<uint32_t>(position);
}

void TimerHeap::SiftUp(size_t position) {
  const Entry entry = heap_[position];
  while (position > 0) {
    const size_t parent = (position - 1) / kChildren;
    if (!entry.Before(heap_[parent])) break;
    Place(position, heap_[parent]);
    position = parent;
  }
  Place(position, entry);
}

void TimerHeap::SiftDown(size_t position) {
  const Entry entry = heap_[position];
  for (;;) {
    const size_t first = position * kChildren + 1;
    if (first >= heap_.size()) break;
    const size_t last = std::min(first + kChildren, heap_.size());
    size_t earliest = first;
    for (size_t child = first + 1; child < last; ++child) {
      if (heap_[child].Before(heap_[earliest])) earliest = child;
    }
    if (!heap_[earliest].Before(entry)) break;
    Place(position, heap_[earliest]);
    position = earliest;
  }
  Place(position, entry);
}

Closure TimerHeap::Remove(size_t position) {
  const uint32_t slot = heap_[position].slot;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (position < heap_.size()) {
    Place(position, last);
    SiftUp(position);
    SiftDown(slots_[last.slot].position);
  }
  Closure closure = std::exchange(slots_[slot].closure, nullptr);
  if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
  free_slots_.push_back(slot);
  return closure;
}

}  // namespace henge
