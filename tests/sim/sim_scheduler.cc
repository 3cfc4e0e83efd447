#include "tests/sim/sim_scheduler.h"

#include <algorithm>
#include <utility>

namespace henge::sim {

SimScheduler::EventId SimScheduler::At(SimTime when, Closure event) {
  const EventId id{std::max(when, now_), random_.Next64(), next_sequence_++};
  events_.emplace(id, std::move(event));
  return id;
}

void SimScheduler::Cancel(const EventId& event) {
  // The closure dies last: its captures may cancel other events on their way out.
  auto doomed = events_.extract(event);
}

bool SimScheduler::RunOne() {
  if (events_.empty() || exhausted()) return false;
  auto next = events_.extract(events_.begin());
  now_ = next.key().when;
  --events_left_;
  ++executed_;
  std::exchange(next.mapped(), nullptr)();
  return true;
}

void SimScheduler::RunUntil(SimTime when) {
  while (!events_.empty() && events_.begin()->first.when <= when) {
    if (!RunOne()) return;
  }
  now_ = std::max(now_, when);
}

bool SimScheduler::RunUntilTrue(const std::function<bool()>& done, SimTime limit) {
  while (!done()) {
    if (events_.empty() || events_.begin()->first.when > limit) {
      now_ = std::max(now_, limit);
      return false;
    }
    if (!RunOne()) return false;
  }
  return true;
}

uint64_t SimScheduler::Unseed() const {
  SimRandom last = random_;
  return last.Next64() ^ trace_.hash();
}

}  // namespace henge::sim
