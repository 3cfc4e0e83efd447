// The recent latencies of one replica: their 95th percentile, and a smoothed mean.
//
// A value type. Only first attempts belong in here, the late ones included: with hedged attempts the percentile would
// climb with every hedge, without the late ones it would sink with every hedge.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "core/model/time.h"

namespace henge {

class LatencyWindow {
 public:
  static constexpr int kSamples = 128;
  static constexpr int kSamplesMin = 16;  // before that the percentile says nothing

  void Add(Duration latency) {
    const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
    const auto sample = static_cast<uint32_t>(std::clamp<int64_t>(micros, 0, std::numeric_limits<uint32_t>::max()));
    samples_micros_[next_] = sample;
    next_ = (next_ + 1) % kSamples;
    count_ = std::min(count_ + 1, kSamples);
    smoothed_micros_ = count_ == 1 ? sample : smoothed_micros_ + (int64_t{sample} - smoothed_micros_) / 8;
    if (--until_refresh_ <= 0) Refresh();
  }

  // None before kSamplesMin samples. At most kRefreshEvery samples old.
  std::optional<Duration> P95() const {
    if (count_ < kSamplesMin) return std::nullopt;
    return std::chrono::microseconds(p95_micros_);
  }

  // Zero before the first sample.
  Duration Smoothed() const { return std::chrono::microseconds(smoothed_micros_); }

 private:
  static constexpr int kRefreshEvery = 16;

  void Refresh() {
    until_refresh_ = kRefreshEvery;
    std::array<uint32_t, kSamples> sorted = samples_micros_;
    const int rank = (count_ * 95 + 99) / 100 - 1;
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.begin() + count_);
    p95_micros_ = sorted[rank];
  }

  std::array<uint32_t, kSamples> samples_micros_{};
  int next_ = 0;
  int count_ = 0;
  int until_refresh_ = kSamplesMin;
  int64_t smoothed_micros_ = 0;
  int64_t p95_micros_ = 0;
};

}  // namespace henge
