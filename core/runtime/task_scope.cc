#include "core/runtime/task_scope.h"

#include <utility>

namespace henge {

// A driver is a coroutine that runs one task and takes itself out of the scope at its end.
struct TaskScope::Driver {
  struct promise_type {
    TaskScope* scope = nullptr;

    Driver get_return_object() { return Driver{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
          TaskScope* scope = h.promise().scope;
          scope->running_.erase(h.address());
          h.destroy();
          if (scope->closed_ && scope->running_.empty() && scope->on_idle_) std::exchange(scope->on_idle_, nullptr)();
        }
        void await_resume() const noexcept {}
      };
      return Awaiter{};
    }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };

  std::coroutine_handle<promise_type> handle;

  static Driver Run(Task<void> task) { co_await task; }
};

TaskScope::~TaskScope() {
  for (void* frame : std::exchange(running_, {})) std::coroutine_handle<>::from_address(frame).destroy();
}

bool TaskScope::Spawn(Task<void> task) {
  if (closed_) return false;
  Driver driver = Driver::Run(std::move(task));
  driver.handle.promise().scope = this;
  running_.insert(driver.handle.address());
  driver.handle.resume();
  return true;
}

void TaskScope::Close(Closure on_idle) {
  closed_ = true;
  if (running_.empty()) {
    on_idle();
  } else {
    on_idle_ = std::move(on_idle);
  }
}

}  // namespace henge
