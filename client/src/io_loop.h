// One IO thread of a client: it polls a gRPC completion queue, runs timers, and completes calls.
//
// Owned by the Engine, which its thread keeps alive. What happens in one turn is sent at the end of the turn: a
// connection that is given requests from this thread marks itself dirty, and is flushed once, so that the requests that
// a frame of replies brings about leave as one frame.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "client/src/steady_time.h"

namespace henge::sdk {

using Closure = absl::AnyInvocable<void()>;

// As gRPC takes it: SteadyTime::max() is never.
gpr_timespec ToGprTime(SteadyTime at);

// A gRPC operation under way. Completed once, on the loop's thread; may destroy itself then.
class IoTag {
 public:
  virtual void Complete(bool ok) = 0;

 protected:
  ~IoTag() = default;
};

// Has requests that wait for the end of the turn.
class Flushable {
 public:
  virtual void Flush() = 0;

 protected:
  ~Flushable() = default;
};

// Has deadlines of its own to look after.
class Sweepable {
 public:
  // Ends what is due; returns when to come again at the latest, SteadyTime::max() for never.
  virtual SteadyTime Sweep(SteadyTime now) = 0;

 protected:
  ~Sweepable() = default;
};

// An operation that may take long; cancelled when the loop stops.
class Cancellable {
 public:
  virtual void Cancel() = 0;

 protected:
  ~Cancellable() = default;
};

class IoLoop final : private IoTag {
 public:
  IoLoop() = default;
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Starts the thread; it holds `owner` until it ends.
  void Start(std::shared_ptr<const void> owner);
  // No new work comes; the thread ends when the operations under way have completed. Timers run at once.
  void Stop();
  // After Stop, one of these: waits for the thread to end; lets it end alone.
  void Join() { thread_.join(); }
  void Detach() { thread_.detach(); }

  bool InLoop() const { return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed); }

  // Any thread. Closures of one time run in the order of the calls.
  void RunAt(SteadyTime at, Closure closure);
  void Post(Closure closure) { RunAt(SteadyTime::min(), std::move(closure)); }

  // Any thread: some Sweepable has something due at `at`.
  void SweepAt(SteadyTime at);

  // On the loop's thread: flush `connection` at the end of this turn.
  void MarkDirty(std::shared_ptr<Flushable> connection) { dirty_.push_back(std::move(connection)); }

  // On the loop's thread or before Start.
  void AddSweepable(std::weak_ptr<Sweepable> sweepable) { sweepables_.push_back(std::move(sweepable)); }

  void Register(Cancellable* operation);
  void Unregister(Cancellable* operation);

  // Before an operation with a tag is started on cq().
  void OperationStarts() { operations_.fetch_add(1, std::memory_order_relaxed); }
  grpc::CompletionQueue& cq() { return cq_; }

 private:
  struct Timer {
    SteadyTime at;
    uint64_t sequence;
    mutable Closure closure;
    bool operator<(const Timer& other) const { return at != other.at ? at < other.at : sequence < other.sequence; }
  };

  void Run();
  void Turn(SteadyTime until);
  void Handle(void* tag, bool ok);
  void RunTimers(SteadyTime now);
  void SweepAll(SteadyTime now);
  void FlushDirty();
  bool Finished();
  // Lowers the time of the next wake-up; wakes the thread if it is another one that may sleep past it.
  void Lower(SteadyTime at);
  void Wake();
  void Complete(bool ok) override;

  grpc::CompletionQueue cq_;
  grpc::Alarm alarm_;
  std::thread thread_;
  std::atomic<std::thread::id> thread_id_{};
  std::atomic<bool> waking_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> operations_{0};
  std::atomic<SteadyTime::rep> wake_at_{SteadyTime::max().time_since_epoch().count()};

  // On the loop's thread only.
  std::vector<std::shared_ptr<Flushable>> dirty_;
  std::vector<std::shared_ptr<Flushable>> flushing_;
  std::vector<std::weak_ptr<Sweepable>> sweepables_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::set<Timer> timers_;
  uint64_t timer_sequence_ = 0;
  std::set<Cancellable*> cancellables_;
  bool cancel_at_once_ = false;
};

}  // namespace henge::sdk
