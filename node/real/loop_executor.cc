#include "node/real/loop_executor.h"

#include <future>
#include <memory>
#include <utility>

#include "core/runtime/check.h"
#include "node/real/thread_name.h"

namespace henge {
namespace {

// Below this many spent slots, moving the rest to the front costs more than the memory is worth.
constexpr size_t kCompactFrom = 1024;

}  // namespace

Closure LoopExecutor::Queue::Pop() {
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

void LoopExecutor::Queue::Refill(std::vector<Closure>* items) { items_.swap(*items); }

LoopExecutor::LoopExecutor(const Clock& clock, LoopOptions options)
    : clock_(clock), options_(std::move(options)), home_(std::this_thread::get_id()) {}

LoopExecutor::~LoopExecutor() {
  Stop();
  Join();
}

void LoopExecutor::Start() {
  HENGE_CHECK(OnLoop() && !ended_ && !thread_.joinable());
  home_.store(std::thread::id(), std::memory_order_relaxed);
  thread_ = std::thread([this] { Run(); });
}

void LoopExecutor::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
}

void LoopExecutor::Join() {
  if (thread_.joinable()) {
    HENGE_CHECK(!OnLoop());
    thread_.join();
    home_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  DestroyPending();
}

bool LoopExecutor::RunAndWait(Closure closure) {
  HENGE_CHECK(!OnLoop());
  struct Signal {
    std::promise<bool> promise;
    bool ran = false;
    ~Signal() { promise.set_value(ran); }
  };
  auto signal = std::make_unique<Signal>();
  std::future<bool> ran = signal->promise.get_future();
  Post([signal = std::move(signal), closure = std::move(closure)]() mutable {
    closure();
    closure = nullptr;  // its captures must be gone when the waiter goes on
    signal->ran = true;
  });
  return ran.get();
}

void LoopExecutor::Post(Closure closure) {
  if (OnLoop()) {
    if (!ended_) local_.Push(std::move(closure));
    return;
  }
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    inbox_.push_back(std::move(closure));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) wake_.notify_one();
}

TimerId LoopExecutor::RunAt(MonotonicTime when, Closure closure) {
  HENGE_CHECK(OnLoop());
  if (ended_) return TimerId();
  return timers_.Add(when, std::move(closure));
}

void LoopExecutor::Cancel(TimerId timer) {
  HENGE_CHECK(OnLoop());
  timers_.Cancel(timer);
}

void LoopExecutor::AtTurnEnd(TurnPhase phase, Closure closure) {
  HENGE_CHECK(OnLoop());
  if (!ended_) deferred_[static_cast<size_t>(phase)].push_back(std::move(closure));
}

void LoopExecutor::Run() {
  home_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  NameThisThread(options_.name);
  // What was deferred while the loop was built belongs to no turn: it gets one of its own.
  RunPhases();
  while (AwaitWork()) RunTurn();
  DestroyPending();
}

bool LoopExecutor::AwaitWork() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && inbox_.empty() && ready_.empty() && local_.empty()) {
    const std::optional<MonotonicTime> next = timers_.NextTime();
    const MonotonicTime now = next ? clock_.Now() : MonotonicTime();
    if (next && *next <= now) break;
    sleeping_ = true;
    if (next) {
      wake_.wait_for(lock, *next - now);
    } else {
      wake_.wait(lock);
    }
    sleeping_ = false;
  }
  if (stopping_) return false;
  if (ready_.empty()) ready_.Refill(&inbox_);
  return true;
}

void LoopExecutor::RunTurn() {
  RunSome(&ready_, options_.turn_closures_max);
  RunSome(&local_, options_.turn_closures_max);
  RunDueTimers();
  // What the timers have posted joins the batches of this turn.
  RunSome(&local_, options_.turn_closures_max);
  RunPhases();
}

void LoopExecutor::RunSome(Queue* queue, size_t count_max) {
  for (size_t i = 0; i < count_max && !queue->empty(); ++i) queue->Pop()();
}

void LoopExecutor::RunDueTimers() {
  if (timers_.size() == 0) return;
  const MonotonicTime now = clock_.Now();
  const uint64_t mark = timers_.mark();
  while (Closure closure = timers_.PopDue(now, mark)) closure();
}

void LoopExecutor::RunPhases() {
  size_t phase = 0;
  while (phase < deferred_.size()) {
    if (deferred_[phase].empty()) {
      ++phase;
      continue;
    }
    std::vector<Closure> batch;
    batch.swap(deferred_[phase]);
    for (Closure& closure : batch) std::exchange(closure, nullptr)();
    phase = 0;
  }
}

void LoopExecutor::DestroyPending() {
  // From here on nothing is taken any more, so that what the destructors below post dies with them.
  ended_ = true;
  std::vector<Closure> inbox;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    inbox.swap(inbox_);
  }
  Queue ready = std::exchange(ready_, {});
  Queue local = std::exchange(local_, {});
  TimerHeap timers = std::exchange(timers_, {});
  auto deferred = std::exchange(deferred_, {});
}

}  // namespace henge
