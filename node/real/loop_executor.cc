#include "node/real/loop_executor.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include "core/runtime/check.h"
#include "node/real/thread_name.h"

namespace henge {
namespace {

// A timer at the end of time must not overflow the system's own arithmetic.
constexpr Duration kSleepMax = std::chrono::hours(1);
// The lender has work of its own.
constexpr int kLentTurnsMax = 4;

}  // namespace

LoopExecutor::LoopExecutor(const Clock& clock, LoopOptions options)
    : clock_(clock), options_(std::move(options)), home_(std::this_thread::get_id()) {}

LoopExecutor::~LoopExecutor() {
  Stop();
  Join();
}

void LoopExecutor::Start() {
  HENGE_CHECK(OnLoop() && !loop_.ended() && !thread_.joinable());
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
    loop_.Post(std::move(closure));
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

void LoopExecutor::PostAndHelp(Closure closure) {
  if (OnLoop()) {
    loop_.Post(std::move(closure));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    inbox_.push_back(std::move(closure));
    if (!sleeping_ || stopping_) return;
    sleeping_ = false;
    lent_ = true;
    home_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    loop_.Refill(&inbox_);  // a loop that sleeps has nothing left
  }
  RunLent();
}

void LoopExecutor::RunLent() {
  for (int turn = 1;; ++turn) {
    loop_.RunTurn(clock_, options_.turn_closures_max);
    std::lock_guard lock(mutex_);
    const bool more = !inbox_.empty() || loop_.HasWork();
    if (more && turn < kLentTurnsMax && !stopping_) {
      if (loop_.NeedsRefill()) loop_.Refill(&inbox_);
      continue;
    }
    lent_ = false;
    home_.store(thread_.get_id(), std::memory_order_relaxed);
    const std::optional<MonotonicTime> next = loop_.NextTimer();
    if (more || stopping_ || awaits_return_ || (next && *next < sleeps_until_)) {
      wake_.notify_one();
    } else {
      sleeping_ = true;
    }
    return;
  }
}

TimerId LoopExecutor::RunAt(MonotonicTime when, Closure closure) {
  HENGE_CHECK(OnLoop());
  return loop_.RunAt(when, std::move(closure));
}

void LoopExecutor::Cancel(TimerId timer) {
  HENGE_CHECK(OnLoop());
  loop_.Cancel(timer);
}

void LoopExecutor::AtTurnEnd(TurnPhase phase, Closure closure) {
  HENGE_CHECK(OnLoop());
  loop_.AtTurnEnd(phase, std::move(closure));
}

void LoopExecutor::Run() {
  home_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  NameThisThread(options_.name);
  while (AwaitWork()) loop_.RunTurn(clock_, options_.turn_closures_max);
  DestroyPending();
}

bool LoopExecutor::AwaitWork() {
  // Where threads compete for the cores, one of them may post now: then this one needn't sleep, nor be woken. On idle
  // cores it returns at once.
  if (loop_.NeedsRefill() && !loop_.HasWork()) std::this_thread::yield();
  std::unique_lock lock(mutex_);
  while (lent_ || (!stopping_ && inbox_.empty() && !loop_.HasWork())) {
    if (lent_) {
      awaits_return_ = true;
      wake_.wait(lock);
      awaits_return_ = false;
      continue;
    }
    const std::optional<MonotonicTime> next = loop_.NextTimer();
    if (next && *next <= clock_.Now()) break;
    sleeps_until_ = next.value_or(MonotonicTime::max());
    Sleep(lock);
  }
  if (stopping_) return false;
  if (loop_.NeedsRefill()) loop_.Refill(&inbox_);
  return true;
}

void LoopExecutor::Sleep(std::unique_lock<std::mutex>& lock) {
  sleeping_ = true;
  if (sleeps_until_ == MonotonicTime::max()) {
    wake_.wait(lock);
  } else {
    wake_.wait_for(lock, std::min<Duration>(sleeps_until_ - clock_.Now(), kSleepMax));
  }
  sleeping_ = false;
}

void LoopExecutor::DestroyPending() {
  loop_.End();
  std::vector<Closure> inbox;  // outlives the lock: what the destructors do may post
  std::lock_guard lock(mutex_);
  closed_ = true;
  inbox.swap(inbox_);
}

}  // namespace henge
