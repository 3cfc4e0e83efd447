// Waiting for time in a coroutine: every wait has a deadline.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include "core/runtime/executor.h"
#include "core/runtime/task.h"

namespace henge {

// `co_await SleepUntil(loop, when)`: goes on in a turn of the loop at `when` or soon after. If the frame is destroyed
// first, the timer goes with it. Loop only.
class SleepUntil {
 public:
  SleepUntil(Executor& loop, MonotonicTime when) : loop_(loop), when_(when) {}
  SleepUntil(const SleepUntil&) = delete;
  SleepUntil& operator=(const SleepUntil&) = delete;
  ~SleepUntil() {
    if (waiting_) loop_.Cancel(timer_);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiting_ = true;
    timer_ = loop_.RunAt(when_, [this, waiter] {
      waiting_ = false;
      waiter.resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  Executor& loop_;
  const MonotonicTime when_;
  TimerId timer_;
  bool waiting_ = false;
};

// Sets `completion` to `if_late` at `when`, unless it is destroyed before. Keep it beside the wait:
//
//   Completion<absl::Status> answer;
//   CompleteAt late(loop, answer, deadline, absl::DeadlineExceededError("no answer in time"));
//   absl::Status status = co_await answer;
//
// The first Set wins, so that an answer in time makes the timer harmless, and the other way round. Loop only.
template <class T>
class CompleteAt {
 public:
  CompleteAt(Executor& loop, Completion<T> completion, MonotonicTime when, std::type_identity_t<T> if_late)
      : loop_(loop),
        timer_(loop.RunAt(when, [completion = std::move(completion), if_late = std::move(if_late)]() mutable {
          completion.Set(std::move(if_late));
        })) {}
  CompleteAt(const CompleteAt&) = delete;
  CompleteAt& operator=(const CompleteAt&) = delete;
  ~CompleteAt() { loop_.Cancel(timer_); }

 private:
  Executor& loop_;
  TimerId timer_;
};

}  // namespace henge
