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
    bool restart = false;  // the process goes on, with a new node on the same data
  };

  // The first reason counts, but that a restart gives way to an end.
  void Set(Reason reason) {
    std::lock_guard lock(mutex_);
    if (!reason_.has_value() || (reason_->restart && !reason.restart)) reason_ = std::move(reason);
    wake_.notify_all();
  }

  Reason Wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return reason_.has_value(); });
    return *reason_;
  }

  // Forgets a restart, which is about to be done. False if the process has to end meanwhile.
  bool TakeRestart() {
    std::lock_guard lock(mutex_);
    if (!reason_.has_value() || !reason_->restart) return false;
    reason_.reset();
    return true;
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
