// Lazy coroutines on one loop, and the one-shot values that they wait for.
//
// Rules (docs/CONTRIBUTING): parameters by value; no capturing lambda is a coroutine; a Task is awaited or given to a
// TaskScope; after each co_await, state and membership are read again. No exceptions: an escaping one ends the process.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "core/runtime/check.h"

namespace henge {

template <class T>
class Task;

namespace task_internal {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> h) const noexcept {
    auto next = h.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T Take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void Take() const {}
};

}  // namespace task_internal

// A coroutine that starts when it is awaited. Move-only; destroying an unfinished one destroys its frame.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  // Started by a call, not by symmetric transfer: a task that ends without waiting returns here, so that a loop of such
  // awaits needs no stack, also where the compiler makes no tail calls (sanitizers, debug builds).
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().continuation = awaiting;
    return true;
  }
  T await_resume() { return handle_.promise().Take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> task_internal::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> task_internal::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A value that arrives once. Copies share it. One coroutine waits; Set resumes it inline, on the same loop.
template <class T>
class Completion {
 public:
  Completion() : state_(std::make_shared<State>()) {}

  // The first Set wins; returns whether this was it.
  bool Set(T value) {
    if (state_->value.has_value() || state_->taken) return false;
    state_->value.emplace(std::move(value));
    if (auto waiter = std::exchange(state_->waiter, nullptr)) waiter.resume();
    return true;
  }
  bool is_set() const { return state_->value.has_value() || state_->taken; }

  auto operator co_await() const {
    struct Awaiter {
      explicit Awaiter(std::shared_ptr<State> s) : state(std::move(s)) {}
      Awaiter(const Awaiter&) = delete;
      Awaiter& operator=(const Awaiter&) = delete;
      // A frame that is destroyed while it waits leaves no handle behind.
      ~Awaiter() { state->waiter = nullptr; }
      std::shared_ptr<State> state;
      bool await_ready() const noexcept { return state->value.has_value(); }
      void await_suspend(std::coroutine_handle<> h) const noexcept {
        HENGE_CHECK(state->waiter == nullptr);
        state->waiter = h;
      }
      T await_resume() {
        HENGE_CHECK(!state->taken);
        state->taken = true;
        return std::move(*state->value);
      }
    };
    return Awaiter(state_);
  }

 private:
  struct State {
    std::optional<T> value;
    std::coroutine_handle<> waiter;
    bool taken = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace henge
