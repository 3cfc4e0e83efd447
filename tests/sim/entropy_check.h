// What anti-entropy owes after the faults have ended: equal replicas by itself, then silence, and true trees.
//
// Looks at running nodes between events; changes nothing.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "core/model/ring.h"
#include "tests/sim/checkers.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

class EntropyCheck {
 public:
  EntropyCheck(SimScheduler& scheduler, std::vector<std::unique_ptr<SimNode>>& nodes, RingPtr ring,
               std::set<PartitionId> partitions)
      : scheduler_(scheduler), nodes_(nodes), ring_(std::move(ring)), partitions_(std::move(partitions)) {}

  // I3: with no read to help, the hints are delivered, the trees of all owners become equal, and no replica is
  // recovering, within a bounded time. I16: from then on rounds go on and repair nothing.
  void AwaitConvergence(Violations* out);
  // I16: the tree that each node keeps of each partition is that of its records.
  void CheckTrees(Violations* out);

  Duration took() const { return took_; }

 private:
  bool Converged();
  AntiEntropyFigures Sum();

  SimScheduler& scheduler_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  const RingPtr ring_;
  const std::set<PartitionId> partitions_;
  Duration took_{0};
};

}  // namespace henge::sim
