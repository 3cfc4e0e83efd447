// Random numbers without a lock: a counter from a secret start, scrambled. For op ids and jitter, not for secrets.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>

#include "core/model/ids.h"

namespace henge::sdk {

class RandomIds {
 public:
  RandomIds() {
    std::random_device device;
    high_ = Draw64(device);
    next_.store(Draw64(device), std::memory_order_relaxed);
  }

  // Uniform over 64 bits; never the same twice from one generator.
  uint64_t Next() { return Scramble(next_.fetch_add(kStep, std::memory_order_relaxed)); }

  // Unique over all clients but for a collision of 64 random bits: the high half names this client, the low one the
  // call.
  OpId NextOpId() { return OpId{high_, Next()}; }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;

  static uint64_t Draw64(std::random_device& device) { return (uint64_t{device()} << 32 | device()) | 1; }

  // A bijection whose output bits all depend on all input bits (the finaliser of SplitMix64).
  static uint64_t Scramble(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  uint64_t high_;
  std::atomic<uint64_t> next_;
};

}  // namespace henge::sdk
