// The stamps of one shard (P9): its hybrid clock, and the durable ceiling below which it stamps.
//
// Loop-affine, owned by the shard's replica; the keeper of its hints stamps from the same source.
#pragma once

#include <cstdint>
#include <utility>

#include "core/model/hlc.h"
#include "node/stamp_reserve.h"

namespace henge {

// Where the stamps of a shard begin.
struct StampStart {
  int shard = 0;       // of the node: whose ceiling it raises
  uint64_t floor = 0;  // ReadStampFloor
};

class StampSource {
 public:
  StampSource(StampStart start, StoreEngine& engine, Executor& loop)
      : clock_(start.floor), reserve_(start.shard, engine, loop) {}

  const HybridClock& clock() const { return clock_; }

  // As the clock's own.
  bool Observe(uint64_t stamp, int64_t wall_ms) { return clock_.Observe(stamp, wall_ms); }
  uint64_t Stamp(int64_t wall_ms, uint64_t observed_max) { return clock_.Stamp(wall_ms, observed_max); }

  // Whether the next stamp above `seen` stays below the durable ceiling, which is then raised in good time.
  bool Ready(uint64_t seen, int64_t wall_ms) {
    const uint64_t next = clock_.Next(wall_ms, seen);
    if (!reserve_.Covers(next)) return false;
    reserve_.KeepAhead(next, wall_ms);
    return true;
  }
  // `done` runs when it does, or with the store's error; never before the call returns.
  void Await(uint64_t seen, int64_t wall_ms, StampReserve::Done done) {
    reserve_.Reserve(clock_.Next(wall_ms, seen), wall_ms, std::move(done));
  }

 private:
  HybridClock clock_;
  StampReserve reserve_;
};

}  // namespace henge
