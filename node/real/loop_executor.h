// A loop on a thread of its own: the real Executor.
//
// Owned by the process's set-up code, which outlives the loop's users. A turn takes what other threads have posted (up
// to a bound, so that timers run under any load), then what the loop posted to itself, then the timers that are due,
// then the phases. A poster wakes the thread only if it sleeps, and only the first poster does.
//
// PostAndHelp lends the sleeping loop to the poster: while `lent_`, its thread is the loop, and the loop's own thread
// stays asleep. That spares two changes of threads for each frame that comes in.
//
// Until Start() and after Join() the thread that made the loop, or joined it, counts as the loop: it may build and take
// down what lives there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/turn_loop.h"

namespace henge {

struct LoopOptions {
  std::string name = "loop";        // the thread's; the system shows 15 bytes
  size_t turn_closures_max = 1024;  // from other threads in one turn, and as many from the loop itself
};

class LoopExecutor final : public Executor {
 public:
  LoopExecutor(const Clock& clock, LoopOptions options);
  // Stops and joins. Not on the loop.
  ~LoopExecutor() override;
  LoopExecutor(const LoopExecutor&) = delete;
  LoopExecutor& operator=(const LoopExecutor&) = delete;

  // Starts the thread; once.
  void Start();
  // Asks the loop to end after the turn under way, its phases included. Everything still posted, armed or deferred is
  // then destroyed unrun, on the loop. Any thread, the loop itself too; again is a no-op.
  void Stop();
  // Waits for the loop's end. Not on the loop; one thread at a time.
  void Join();

  // Whether the caller is on this loop.
  bool OnLoop() const { return std::this_thread::get_id() == home_.load(std::memory_order_relaxed); }
  // Runs `closure` on the loop and waits until it has run; false if the loop stopped first and destroyed it. Not on the
  // loop. For start-up, shutdown and tests: the caller blocks.
  bool RunAndWait(Closure closure);

  void Post(Closure closure) override;
  void PostAndHelp(Closure closure) override;
  TimerId RunAt(MonotonicTime when, Closure closure) override;
  void Cancel(TimerId timer) override;
  void AtTurnEnd(TurnPhase phase, Closure closure) override;

 private:
  void Run();
  // Sleeps until there is something to do, then takes the inbox; false once Stop() was called.
  bool AwaitWork();
  void Sleep(std::unique_lock<std::mutex>& lock);
  // Runs the lent loop on this thread until it has nothing to do, for a few turns at most, and gives it back.
  void RunLent();
  void DestroyPending();

  const Clock& clock_;
  const LoopOptions options_;

  TurnLoop loop_;  // the loop's own

  std::mutex mutex_;
  std::condition_variable wake_;
  // Protected by mutex_:
  std::vector<Closure> inbox_;
  bool sleeping_ = false;
  MonotonicTime sleeps_until_;  // while it sleeps
  bool lent_ = false;
  bool awaits_return_ = false;  // its own thread woke while it was lent
  bool stopping_ = false;
  bool closed_ = false;

  std::atomic<std::thread::id> home_;
  std::thread thread_;
};

}  // namespace henge
