// Tells keepers of dirty marks what the leaves of a partition are that this node owns (P18).
//
// Owned by the node; control loop only. The trees are in the engine's memory, as of the last synced batch (P11).
#pragma once

#include <string>

#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/repeat_guard.h"
#include "node/control_plane.h"
#include "storage/store_engine.h"

namespace henge {

class LeafService : public ControlService {
 public:
  LeafService(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring);

  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }

  // FAILED_PRECONDITION if the trees can't be compared (H27), or this node is no owner.
  void Serve(MemberId from, std::string body, MonotonicTime deadline, ReplyFn reply) override;

  uint64_t refused() const { return refused_; }

 private:
  absl::StatusOr<std::string> Answer(const std::string& body) const;

  const MemberId self_;
  const ShardEnvironment env_;
  StoreEngine& engine_;
  RingPtr ring_;
  uint64_t refused_ = 0;
  RepeatGuard said_;
};

}  // namespace henge
