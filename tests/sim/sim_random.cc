#include "tests/sim/sim_random.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>

namespace henge::sim {

SimRandom SimRandom::Split(std::string_view name) const {
  return SimRandom(XXH3_64bits_withSeed(name.data(), name.size(), seed_));
}

SimRandom SimRandom::Split(std::string_view name, uint64_t number) const {
  uint64_t state = Split(name).seed() + number;
  return SimRandom(SplitMix64(&state));
}

Duration SimRandom::Between(Duration low, Duration high) {
  if (high <= low) return low;
  return low + Duration(static_cast<int64_t>(Below(static_cast<uint64_t>((high - low).count()) + 1)));
}

Duration SimRandom::Exponential(Duration mean) {
  constexpr double kCut = 20;
  const double factor = std::min(-std::log1p(-Unit()), kCut);
  return Duration(static_cast<int64_t>(factor * static_cast<double>(mean.count())));
}

}  // namespace henge::sim
