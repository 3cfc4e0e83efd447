// Chance in the simulated world. All of it comes from the run's seed, split by name.
#pragma once

#include <string_view>

#include "core/model/time.h"
#include "core/runtime/xoshiro.h"

namespace henge::sim {

// A stream of draws. Two parts of the world never share one: each takes Split("its name") of its parent's, which
// depends on the seed and the name only. So a new draw in one part shifts no other part's chances.
class SimRandom final : public Xoshiro {
 public:
  explicit SimRandom(uint64_t seed) : Xoshiro(seed), seed_(seed) {}

  SimRandom Split(std::string_view name) const;
  SimRandom Split(std::string_view name, uint64_t number) const;
  uint64_t seed() const { return seed_; }

  // True with probability `p`.
  bool Chance(double p) { return p > 0 && Unit() < p; }
  // Uniform in [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  Duration Between(Duration low, Duration high);
  // Exponential with this mean, cut at 20 times the mean.
  Duration Exponential(Duration mean);

 private:
  uint64_t seed_;
};

}  // namespace henge::sim
