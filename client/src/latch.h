// What a blocking call waits on: `count` completions, signalled from IO threads.
//
// Lives on the waiter's stack. Arrive() is the last that an IO thread does with it, and finishes touching it before
// Wait() returns.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace henge::sdk {

class Latch {
 public:
  explicit Latch(size_t count = 1) : left_(count) {}

  void Arrive() {
    std::lock_guard lock(mutex_);
    if (--left_ == 0) done_.notify_one();
  }

  void Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  size_t left_;
};

}  // namespace henge::sdk
