#include "storage/sticky_status.h"

#include <memory>
#include <string>
#include <utility>

#include "core/runtime/check.h"

namespace henge {

StickyStatus::StickyStatus(Tracer& tracer, std::function<void(absl::Status)> on_fatal)
    : tracer_(tracer), on_fatal_(std::move(on_fatal)) {}

StickyStatus::~StickyStatus() { delete failure_.load(std::memory_order_acquire); }

void StickyStatus::Fail(absl::Status status) {
  HENGE_CHECK(!status.ok());
  auto mine = std::make_unique<const absl::Status>(std::move(status));
  const absl::Status* none = nullptr;
  if (!failure_.compare_exchange_strong(none, mine.get())) return;
  mine.release();
  if (armed_.load()) Report();
}

void StickyStatus::Arm() {
  armed_.store(true);
  if (!ok()) Report();
}

absl::Status StickyStatus::Get() const {
  const absl::Status* failure = failure_.load(std::memory_order_acquire);
  return failure == nullptr ? absl::OkStatus() : *failure;
}

void StickyStatus::Report() {
  if (reported_.exchange(true)) return;
  absl::Status status = Get();
  tracer_.Event(Severity::kAlarm, "StoreFailed", {{"status", std::string(status.ToString())}});
  if (on_fatal_) on_fatal_(std::move(status));
}

}  // namespace henge
