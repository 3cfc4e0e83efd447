// The floor of a shard's hybrid clock across restarts (P9): stamps are given only below a ceiling that is durable.
//
// Loop-affine, owned by the replica. The ceiling is raised some seconds ahead of the stamp that needs it, so that a
// shard that stamps all the time writes it now and then, and one that doesn't never does. The next run starts its clock
// at the ceilings of all shards of this one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/runtime/executor.h"
#include "core/runtime/tracer.h"
#include "storage/store_engine.h"

namespace henge {

// Shards of one node, at most; the ceilings of so many are looked for at a start.
inline constexpr int kStampCeilingsMax = 64;

class StampReserve {
 public:
  StampReserve(int shard, StoreEngine& engine, Executor& loop);

  bool Covers(uint64_t stamp) const { return stamp <= ceiling_; }

  // `done` runs when the ceiling is durably at `stamp` or above, or with the store's error; never before the call
  // returns. Not after the end of this object.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  void Reserve(uint64_t stamp, int64_t wall_ms, Done done);

  // Raises the ceiling in the background if `stamp` has come close to it.
  void KeepAhead(uint64_t stamp, int64_t wall_ms);

 private:
  struct Waiting {
    uint64_t stamp;
    int64_t wall_ms;
    Done done;
  };

  void Write();
  void OnWritten(uint64_t ceiling, absl::Status status);

  const std::string name_;
  StoreEngine& engine_;
  Executor& loop_;
  uint64_t ceiling_ = 0;
  bool writing_ = false;
  std::vector<Waiting> waiting_;
  std::shared_ptr<bool> alive_;
};

// The stamp above which this run stamps: the highest ceiling of the runs before. One that is too far ahead of `wall_ms`
// is left out, with an event: a clock was far ahead once, and must not lead all later stamps. Blocking; for start-up.
absl::StatusOr<uint64_t> ReadStampFloor(StoreEngine& engine, int64_t wall_ms, Tracer& tracer);

}  // namespace henge
