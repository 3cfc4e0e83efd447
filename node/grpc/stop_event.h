// Why the process should end: set by a signal or by a failure, waited for by the main thread. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace henge {

class StopEvent {
 public:
  struct Reason {
    bool failed = false;
    std::string text;
  };

  // The first reason counts.
  void Set(Reason reason) {
    std::lock_guard lock(mutex_);
    if (!reason_.has_value()) reason_ = std::move(reason);
    wake_.notify_all();
  }

  Reason Wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return reason_.has_value(); });
    return *reason_;
  }

  // The reason, if there is one now.
  std::optional<Reason> reason() {
    std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<Reason> reason_;  // protected by mutex_
};

}  // namespace henge
