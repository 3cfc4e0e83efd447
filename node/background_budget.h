// How much background work may send now: a token bucket whose rate yields to the requests of clients.
//
// Pure and loop-affine; one per shard, for the delivery of its hints. The rate
// moves by AIMD: it halves for each window in which a sampled request took longer than the goal, and creeps back
// otherwise. It never falls below a floor share (P39), so that a cluster under load comes together all the same.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/model/time.h"

namespace henge {

struct BackgroundBudgetOptions {
  uint64_t bytes_per_second_max = uint64_t{32} << 20;
  double floor_share = 0.05;                              // of the maximum, under any load
  Duration latency_goal = std::chrono::milliseconds(50);  // of a client's request
  Duration window = std::chrono::milliseconds(100);       // the rate moves once in each
  Duration burst = std::chrono::milliseconds(50);         // at the maximum rate, saved up while idle
};

class BackgroundBudget {
 public:
  explicit BackgroundBudget(BackgroundBudgetOptions options = {});

  // Takes `bytes` and returns how long to wait before they may go out: zero while there is credit. An item larger than
  // the credit puts the bucket into debt, which later ones wait for, so that no item is too large for ever.
  Duration Take(uint64_t bytes, MonotonicTime now);

  // What a sampled request of a client took.
  void ObserveForeground(Duration latency, MonotonicTime now);

  // Whether samples are of use: only around the time in which something was taken. Without background work no request
  // need be looked at.
  bool taken() const { return taken_; }
  bool WantsSamples(MonotonicTime now) const { return taken_ && now - last_take_ < kSampleTail; }

  // Bytes per second at present, and the bounds between which it moves.
  double rate() const { return rate_; }
  double rate_max() const { return rate_max_; }
  double rate_floor() const { return rate_floor_; }
  bool yielding() const { return rate_ < rate_max_; }

 private:
  static constexpr Duration kSampleTail = std::chrono::seconds(1);

  void Refill(MonotonicTime now);
  void MoveRate(MonotonicTime now);

  const BackgroundBudgetOptions options_;
  const double rate_max_;
  const double rate_floor_;
  const double burst_bytes_;
  double rate_;
  double credit_bytes_;  // negative: debt
  bool started_ = false;
  bool taken_ = false;
  bool window_slow_ = false;
  MonotonicTime refilled_at_;
  MonotonicTime window_start_;
  MonotonicTime last_take_;
};

}  // namespace henge
