// The seam to chance. The real one is seeded by the operating system, the simulated one by the run's seed.
#pragma once

#include <cstdint>

namespace henge {

// Loop-affine: each loop owns its own.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next64() = 0;

  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound) { return Next64() % bound; }
  // Uniform in [0, 1).
  double Unit() { return static_cast<double>(Next64() >> 11) * 0x1.0p-53; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
};

}  // namespace henge
