// Something that happens once, and can be waited for in both worlds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/sim/sim_scheduler.h"

namespace henge::contract {

// No test of a contract takes this long; who waits so long, waits for ever.
inline constexpr Duration kPatience = std::chrono::seconds(20);

// Thread-safe.
class Signal {
 public:
  void Set() {
    std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool IsSet() const {
    std::lock_guard lock(mutex_);
    return set_;
  }
  // For the real world: blocks. False after kPatience.
  bool Await() const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return set_; });
  }
  // For the simulated world: runs events.
  bool Await(sim::SimScheduler& scheduler) const {
    return scheduler.RunUntilTrue([this] { return IsSet(); }, scheduler.now() + kPatience);
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace henge::contract
