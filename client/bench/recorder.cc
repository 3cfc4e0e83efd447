#include "client/bench/recorder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace henge::bench {

void OpStats::Merge(const OpStats& other) {
  latency_ns.Merge(other.latency_ns);
  in_window += other.in_window;
  misses += other.misses;
  errors += other.errors;
  for (const auto& [code, count] : other.errors_by_code) errors_by_code[code] += count;
  if (first_error.empty()) first_error = other.first_error;
}

Recorder::Recorder(int stripes, int64_t window_end_ns) : window_end_ns_(window_end_ns) {
  for (int i = 0; i < std::max(1, stripes); ++i) stripes_.push_back(std::make_unique<Stripe>());
}

void Recorder::Record(uint32_t slot, OpKind kind, int64_t begun_ns, int64_t ended_ns, const OpOutcome& outcome) {
  Stripe& stripe = *stripes_[slot % stripes_.size()];
  stripe.completed.fetch_add(1, std::memory_order_relaxed);
  int64_t last = last_end_ns_.load(std::memory_order_relaxed);
  while (last < ended_ns && !last_end_ns_.compare_exchange_weak(last, ended_ns, std::memory_order_relaxed)) {
  }
  const std::lock_guard lock(stripe.mutex);
  OpStats& stats = stripe.stats[static_cast<size_t>(kind)];
  if (!outcome.status.ok()) {
    ++stats.errors;
    ++stats.errors_by_code[absl::StatusCodeToString(outcome.status.code())];
    if (stats.first_error.empty()) stats.first_error = outcome.status.ToString();
    return;
  }
  stats.latency_ns.Record(ended_ns - begun_ns);
  if (!outcome.found) ++stats.misses;
  if (ended_ns <= window_end_ns_) ++stats.in_window;
}

PhaseStats Recorder::Collect() const {
  PhaseStats all;
  for (const auto& stripe : stripes_) {
    const std::lock_guard lock(stripe->mutex);
    all.get.Merge(stripe->stats[static_cast<size_t>(OpKind::kGet)]);
    all.put.Merge(stripe->stats[static_cast<size_t>(OpKind::kPut)]);
  }
  return all;
}

uint64_t Recorder::completed() const {
  uint64_t sum = 0;
  for (const auto& stripe : stripes_) sum += stripe->completed.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace henge::bench
