// The generator behind every Random: xoshiro256** (Blackman and Vigna, 2018). What differs between the worlds is the
// seed.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "core/runtime/random.h"

namespace henge {

// One step of SplitMix64 (Steele, Lea, Flood, 2014): spreads a small seed over a large state, and mixes hashes.
constexpr uint64_t SplitMix64(uint64_t* state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

class Xoshiro : public Random {
 public:
  using Seed = std::array<uint64_t, 4>;

  explicit Xoshiro(Seed seed) : state_(seed) {
    // All zero is the one state that the generator never leaves.
    if ((state_[0] | state_[1] | state_[2] | state_[3]) == 0) state_[0] = 1;
  }
  explicit Xoshiro(uint64_t seed) : Xoshiro(Spread(seed)) {}

  uint64_t Next64() override {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  static Seed Spread(uint64_t seed) {
    Seed out;
    for (uint64_t& word : out) word = SplitMix64(&seed);
    return out;
  }

  Seed state_;
};

}  // namespace henge
