// A status that becomes an error once and stays it (P36).
//
// Thread-safe without a lock: the RocksDB listener, the workers and the loops share one.
#pragma once

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "core/runtime/tracer.h"

namespace henge {

class StickyStatus {
 public:
  // `on_fatal` runs on the thread of the Fail() or Arm() that made the status an error and known.
  StickyStatus(Tracer& tracer, std::function<void(absl::Status)> on_fatal);
  ~StickyStatus();
  StickyStatus(const StickyStatus&) = delete;
  StickyStatus& operator=(const StickyStatus&) = delete;

  // The first call wins; later ones change nothing.
  void Fail(absl::Status status);
  // From now on a failure is reported; one that is there already at once. Until then the opener looks at Get() itself.
  void Arm();

  // From now on nothing is reported.
  void Disarm() { armed_.store(false); }

  bool ok() const { return failure_.load(std::memory_order_acquire) == nullptr; }
  absl::Status Get() const;

 private:
  void Report();

  Tracer& tracer_;
  const std::function<void(absl::Status)> on_fatal_;
  std::atomic<const absl::Status*> failure_{nullptr};  // owned
  std::atomic<bool> armed_{false};
  std::atomic<bool> reported_{false};
};

}  // namespace henge
