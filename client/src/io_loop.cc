#include "client/src/io_loop.h"

#include <algorithm>
#include <utility>

namespace henge::sdk {
namespace {

// Completed operations that are handled before what they brought about is sent.
constexpr int kEventsPerTurn = 16;

}  // namespace

gpr_timespec ToGprTime(SteadyTime at) {
  if (at == SteadyTime::max()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
  gpr_timespec time;
  time.tv_sec = nanos / 1'000'000'000;
  time.tv_nsec = static_cast<int32_t>(nanos % 1'000'000'000);
  time.clock_type = GPR_CLOCK_MONOTONIC;
  return time;
}

IoLoop::~IoLoop() {
  cq_.Shutdown();
  void* tag;
  bool ok;
  while (cq_.Next(&tag, &ok)) continue;
}

void IoLoop::Start(std::shared_ptr<const void> owner) {
  thread_ = std::thread([this, owner = std::move(owner)]() mutable {
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    Run();
    // This may be what destroys the loop.
    owner.reset();
  });
}

void IoLoop::Stop() {
  stopping_.store(true);
  {
    std::lock_guard lock(mutex_);
    cancel_at_once_ = true;
    for (Cancellable* operation : cancellables_) operation->Cancel();
  }
  Lower(SteadyTime::min());
}

void IoLoop::RunAt(SteadyTime at, Closure closure) {
  {
    std::lock_guard lock(mutex_);
    timers_.insert(Timer{at, timer_sequence_++, std::move(closure)});
  }
  Lower(at);
}

void IoLoop::SweepAt(SteadyTime at) { Lower(at); }

void IoLoop::Register(Cancellable* operation) {
  std::lock_guard lock(mutex_);
  cancellables_.insert(operation);
  if (cancel_at_once_) operation->Cancel();
}

void IoLoop::Unregister(Cancellable* operation) {
  std::lock_guard lock(mutex_);
  cancellables_.erase(operation);
}

void IoLoop::Run() {
  while (!Finished()) {
    Turn(SteadyTime(SteadyDuration(wake_at_.load())));
  }
}

void IoLoop::Turn(SteadyTime until) {
  void* tag;
  bool ok;
  auto next = cq_.AsyncNext(&tag, &ok, ToGprTime(until));
  for (int events = 1; next == grpc::CompletionQueue::GOT_EVENT; ++events) {
    Handle(tag, ok);
    if (events == kEventsPerTurn) break;
    next = cq_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
  }
  SteadyTime now = SteadyClock::now();
  if (now.time_since_epoch().count() >= wake_at_.load() || stopping_.load()) {
    // What is left to do lowers it again.
    wake_at_.store(SteadyTime::max().time_since_epoch().count());
    RunTimers(now);
    SweepAll(now);
  }
  FlushDirty();
}

void IoLoop::Handle(void* tag, bool ok) {
  operations_.fetch_sub(1, std::memory_order_relaxed);
  static_cast<IoTag*>(tag)->Complete(ok);
}

void IoLoop::RunTimers(SteadyTime now) {
  std::vector<Closure> due;
  {
    std::lock_guard lock(mutex_);
    auto end = timers_.begin();
    while (end != timers_.end() && (end->at <= now || stopping_.load())) {
      due.push_back(std::move(end->closure));
      ++end;
    }
    timers_.erase(timers_.begin(), end);
    if (!timers_.empty()) Lower(timers_.begin()->at);
  }
  for (Closure& closure : due) closure();
}

void IoLoop::SweepAll(SteadyTime now) {
  std::erase_if(sweepables_, [](const auto& sweepable) { return sweepable.expired(); });
  // A sweep completes calls, and what they start may add connections.
  auto sweepables = sweepables_;
  for (const auto& weak : sweepables) {
    if (auto sweepable = weak.lock()) Lower(sweepable->Sweep(now));
  }
}

void IoLoop::FlushDirty() {
  if (dirty_.empty()) return;
  flushing_.swap(dirty_);
  for (auto& connection : flushing_) connection->Flush();
  flushing_.clear();
}

bool IoLoop::Finished() {
  if (!stopping_.load() || operations_.load() != 0) return false;
  std::lock_guard lock(mutex_);
  return timers_.empty();
}

void IoLoop::Lower(SteadyTime at) {
  auto wanted = at.time_since_epoch().count();
  auto current = wake_at_.load();
  while (wanted < current) {
    if (!wake_at_.compare_exchange_weak(current, wanted)) continue;
    if (!InLoop()) Wake();
    return;
  }
}

void IoLoop::Wake() {
  if (waking_.exchange(true)) return;
  OperationStarts();
  alarm_.Set(&cq_, gpr_inf_past(GPR_CLOCK_MONOTONIC), static_cast<IoTag*>(this));
}

void IoLoop::Complete(bool) { waking_.store(false); }

}  // namespace henge::sdk
