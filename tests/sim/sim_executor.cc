#include "tests/sim/sim_executor.h"

#include <algorithm>
#include <utility>

namespace henge::sim {

SimExecutor::SimExecutor(SimScheduler& scheduler, const SimClock& clock, SimRandom random, uint64_t id,
                         SimLoopOptions options)
    : scheduler_(scheduler), clock_(clock), random_(std::move(random)), id_(id), options_(options) {}

void SimExecutor::Post(Closure closure) {
  loop_.Post(std::move(closure));
  Arrange();
}

TimerId SimExecutor::RunAt(MonotonicTime when, Closure closure) {
  const TimerId timer = loop_.RunAt(when, std::move(closure));
  Arrange();
  return timer;
}

void SimExecutor::AtTurnEnd(TurnPhase phase, Closure closure) {
  loop_.AtTurnEnd(phase, std::move(closure));
  Arrange();
}

void SimExecutor::Kill() {
  if (turn_) scheduler_.Cancel(*std::exchange(turn_, std::nullopt));
  loop_.End();
}

void SimExecutor::Pause() {
  paused_ = true;
  if (turn_) scheduler_.Cancel(*std::exchange(turn_, std::nullopt));
}

void SimExecutor::Resume() {
  paused_ = false;
  Arrange();
}

void SimExecutor::Arrange() {
  if (in_turn_ || paused_ || loop_.ended()) return;
  if (turn_ && turn_for_work_) return;
  SimTime wanted;
  const bool has_work = loop_.HasWork();
  if (has_work) {
    wanted = scheduler_.now() + options_.wake_delay_min + random_.Exponential(options_.wake_delay_mean);
  } else if (const std::optional<MonotonicTime> timer = loop_.NextTimer()) {
    const SimTime due = std::max(clock_.ToSim(*timer), scheduler_.now());
    if (turn_ && turn_->when <= due) return;  // a turn that comes early for one timer arranges the next
    wanted = due + random_.Between(Duration(0), options_.timer_late_max);
  } else {
    return;
  }
  if (turn_ && turn_->when <= wanted) return;
  if (turn_) scheduler_.Cancel(*turn_);
  turn_for_work_ = has_work;
  turn_ = scheduler_.At(wanted, [this] { RunTurn(); });
}

void SimExecutor::RunTurn() {
  turn_.reset();
  scheduler_.trace().Add(scheduler_.now(), "Turn", id_);
  in_turn_ = true;
  loop_.RunTurn(clock_, 1 + random_.Below(options_.turn_closures_max));
  in_turn_ = false;
  Arrange();
}

}  // namespace henge::sim
