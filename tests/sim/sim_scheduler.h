// The simulated world's one thread: events in order of virtual time. Time jumps to the next event.
//
// Owned by the world; outlives everything in it. Events of one instant run in an order drawn from the seed, which is
// how races are explored: who needs an order between two events gives them different times, or makes one of the other.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>

#include "core/runtime/executor.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_time.h"
#include "tests/sim/sim_trace.h"

namespace henge::sim {

class SimScheduler {
 public:
  // Names one event for ever; also its place in the order.
  struct EventId {
    SimTime when;
    uint64_t tie = 0;
    uint64_t sequence = 0;  // from 1; 0 = no event
    auto operator<=>(const EventId&) const = default;
  };

  // `events_max` bounds the run: a world that never comes to rest stops there (see exhausted()).
  explicit SimScheduler(uint64_t seed, uint64_t events_max = uint64_t{50} * 1000 * 1000)
      : random_(SimRandom(seed).Split("scheduler")), events_left_(events_max) {}
  SimScheduler(const SimScheduler&) = delete;
  SimScheduler& operator=(const SimScheduler&) = delete;

  SimTime now() const { return now_; }
  SimTrace& trace() { return trace_; }

  // Runs `event` at `when`, or at once after the present event if that is over.
  EventId At(SimTime when, Closure event);
  EventId After(Duration delay, Closure event) { return At(now_ + delay, std::move(event)); }
  // Destroys an event that has not run; no-op otherwise.
  void Cancel(const EventId& event);

  // Runs the next event. False if there is none, or the budget is spent.
  bool RunOne();
  // Runs all events up to `when`, and moves time there.
  void RunUntil(SimTime when);
  void RunFor(Duration span) { RunUntil(now_ + span); }
  // Runs until `done()` is true after some event, or it is `limit`; whether it became true. `done` is asked first.
  bool RunUntilTrue(const std::function<bool()>& done, SimTime limit);

  size_t pending() const { return events_.size(); }
  uint64_t executed() const { return executed_; }
  // Whether the budget of events was spent: a livelock, or too small a budget. Nothing runs any more.
  bool exhausted() const { return events_left_ == 0; }
  // What a run prints beside its seed: one draw after everything, and the trace. Equal for two runs of one seed.
  uint64_t Unseed() const;

 private:
  SimTime now_{};
  SimRandom random_;
  SimTrace trace_;
  std::map<EventId, Closure> events_;
  uint64_t next_sequence_ = 1;
  uint64_t executed_ = 0;
  uint64_t events_left_;
};

}  // namespace henge::sim
