// A hybrid logical clock: stamps that follow the wall clock, and still grow with every event that is seen (P9).
//
// A stamp is (wall milliseconds << 16) | logical. A value owned by a shard; pure: the caller passes the wall time. The
// highest stamp given survives a restart if the caller starts the next clock with it as the floor.
// Source: Kulkarni et al., "Logical Physical Clocks", 2014.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/model/limits.h"

namespace henge {

class HybridClock {
 public:
  static constexpr int kLogicalBits = 16;

  explicit HybridClock(uint64_t floor = 0) : last_(floor) {}

  static constexpr uint64_t FromWall(int64_t wall_ms) {
    return wall_ms <= 0 ? 0 : static_cast<uint64_t>(wall_ms) << kLogicalBits;
  }

  // Whether `hlc` lies so far in the future that it must not advance any clock: it came from a broken clock or a
  // forger.
  static constexpr bool TooFarAhead(uint64_t hlc, int64_t wall_ms) {
    return hlc > FromWall(std::max<int64_t>(wall_ms, 0) + kHlcAheadMaxMs);
  }

  // A stamp above every earlier one and above `observed_max`, the highest that the client had seen. One that is too far
  // ahead is left out of account; who depends on it refuses it before.
  uint64_t Stamp(int64_t wall_ms, uint64_t observed_max) {
    Observe(observed_max, wall_ms);
    last_ = std::max(FromWall(wall_ms), last_ + 1);
    return last_;
  }

  // What Stamp() would give, if none of it is too far ahead.
  uint64_t Next(int64_t wall_ms, uint64_t observed_max) const {
    return std::max(FromWall(wall_ms), std::max(last_, observed_max) + 1);
  }

  // Makes later stamps higher than `hlc`. False, and nothing changes, if it is too far ahead.
  bool Observe(uint64_t hlc, int64_t wall_ms) {
    if (TooFarAhead(hlc, wall_ms)) return false;
    last_ = std::max(last_, hlc);
    return true;
  }

  uint64_t last() const { return last_; }

 private:
  uint64_t last_;
};

}  // namespace henge
