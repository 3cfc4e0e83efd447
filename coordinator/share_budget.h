// A budget of extra work that grows with the work itself: each request earns a share of one extra attempt, up to a
// burst, so that hedges and retries can't feed an overload (H48).
//
// A value type; counts in thousandths, so that every machine decides alike.
#pragma once

#include <algorithm>
#include <cstdint>

namespace henge {

class ShareBudget {
 public:
  // Starts full.
  ShareBudget(double share, int burst)
      : earned_milli_(static_cast<int64_t>(share * 1000)), full_milli_(int64_t{burst} * 1000), milli_(full_milli_) {}

  void OnRequest() { milli_ = std::min(full_milli_, milli_ + earned_milli_); }

  // Takes one extra attempt, if one has been earned.
  bool TryTake() {
    if (milli_ < 1000) return false;
    milli_ -= 1000;
    return true;
  }

 private:
  int64_t earned_milli_;
  int64_t full_milli_;
  int64_t milli_;
};

}  // namespace henge
