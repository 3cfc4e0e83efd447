// A bucket of tokens that all calls of a client share: when most calls fail, retries stop, and overload is not fed.
//
// Thread-safe, without a lock. Invariant: 0 <= tokens <= capacity.
#pragma once

#include <algorithm>
#include <atomic>

namespace henge::sdk {

class RetryQuota {
 public:
  explicit RetryQuota(int capacity) : capacity_(std::max(capacity, 0)), tokens_(capacity_) {}

  // Takes `cost` tokens, or none and returns false.
  bool TryTake(int cost) {
    int now = tokens_.load(std::memory_order_relaxed);
    while (now >= cost) {
      if (tokens_.compare_exchange_weak(now, now - cost, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  // A call succeeded: one token comes back.
  void Refund() {
    int now = tokens_.load(std::memory_order_relaxed);
    while (now < capacity_) {
      if (tokens_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return;
    }
  }

  int tokens() const { return tokens_.load(std::memory_order_relaxed); }

 private:
  const int capacity_;
  std::atomic<int> tokens_;
};

}  // namespace henge::sdk
