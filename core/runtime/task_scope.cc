#include "core/runtime/task_scope.h"

#include <utility>

namespace henge {

// A driver is a coroutine that runs one task and takes itself out of the scope at its end.
struct TaskScope::Driver {
  struct promise_type : Link {
    TaskScope* scope = nullptr;

    Driver get_return_object() { return Driver{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct Awaiter {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
          TaskScope* scope = h.promise().scope;
          scope->Remove(&h.promise());
          h.destroy();
          if (scope->closed_ && scope->running_ == 0 && scope->on_idle_) std::exchange(scope->on_idle_, nullptr)();
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
  // A destructor in a frame may complete what another task waits for: that one then ends, and leaves the list, by
  // itself.
  // Nobody waits for it any more, though, and it may spawn nothing.
  closed_ = true;
  on_idle_ = nullptr;
  while (youngest_ != nullptr) {
    auto& promise = static_cast<Driver::promise_type&>(*youngest_);
    Remove(&promise);
    std::coroutine_handle<Driver::promise_type>::from_promise(promise).destroy();
  }
}

bool TaskScope::Spawn(Task<void> task) {
  if (closed_) return false;
  Driver driver = Driver::Run(std::move(task));
  driver.handle.promise().scope = this;
  Insert(&driver.handle.promise());
  driver.handle.resume();
  return true;
}

void TaskScope::Close(Closure on_idle) {
  closed_ = true;
  if (running_ == 0) {
    on_idle();
  } else {
    on_idle_ = std::move(on_idle);
  }
}

void TaskScope::Insert(Link* link) {
  link->older = youngest_;
  if (youngest_ != nullptr) youngest_->newer = link;
  youngest_ = link;
  ++running_;
}

void TaskScope::Remove(Link* link) {
  if (link->newer != nullptr) {
    link->newer->older = link->older;
  } else {
    youngest_ = link->older;
  }
  if (link->older != nullptr) link->older->newer = link->newer;
  --running_;
}

}  // namespace henge
