#include "node/background_budget.h"

#include <chrono>
#include <cmath>

namespace henge {
namespace {

constexpr double kCreepShare = 1.0 / 64;  // of the maximum, for each window in which nobody was slow

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

BackgroundBudget::BackgroundBudget(BackgroundBudgetOptions options)
    : options_(options),
      rate_max_(std::max<double>(1, static_cast<double>(options.bytes_per_second_max))),
      rate_floor_(std::max<double>(1, rate_max_ * std::clamp(options.floor_share, 0.0, 1.0))),
      burst_bytes_(rate_max_ * Seconds(options.burst)),
      rate_(rate_max_),
      credit_bytes_(burst_bytes_) {}

Duration BackgroundBudget::Take(uint64_t bytes, MonotonicTime now) {
  Refill(now);
  taken_ = true;
  last_take_ = now;
  const double debt = std::max(0.0, -credit_bytes_);
  credit_bytes_ -= static_cast<double>(bytes);
  if (debt == 0) return Duration{0};
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(debt / rate_));
}

void BackgroundBudget::ObserveForeground(Duration latency, MonotonicTime now) {
  Refill(now);
  if (latency > options_.latency_goal) window_slow_ = true;
}

void BackgroundBudget::Refill(MonotonicTime now) {
  if (!started_) {
    started_ = true;
    refilled_at_ = window_start_ = now;
    return;
  }
  if (now <= refilled_at_) return;
  credit_bytes_ = std::min(burst_bytes_, credit_bytes_ + rate_ * Seconds(now - refilled_at_));
  refilled_at_ = now;
  MoveRate(now);
}

void BackgroundBudget::MoveRate(MonotonicTime now) {
  if (now - window_start_ < options_.window) return;
  // A window without any slow request counts as a good one, also when none was sampled: idle time heals the rate.
  const double windows = std::floor(Seconds(now - window_start_) / Seconds(options_.window));
  if (window_slow_) {
    rate_ = std::max(rate_floor_, rate_ / 2);
  } else {
    rate_ = std::min(rate_max_, rate_ + windows * kCreepShare * rate_max_);
  }
  window_slow_ = false;
  window_start_ = now;
}

}  // namespace henge
