// Operators of a simulated run: they make, change and drop buckets at any node, at once and against each other.
//
// Afterwards, with no fault left, the nodes must come to one cluster state that binds each to the store that it has,
// and that two of them can change at once.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/sim_node.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/state_watch.h"

namespace henge::sim {

struct StateWorkloadOptions {
  int changes = 0;  // of the whole run
  int names = 3;    // so few that they meet
};

class StateWorkload {
 public:
  StateWorkload(StateWorkloadOptions options, uint64_t seed, Duration duration, SimScheduler& scheduler,
                std::vector<std::unique_ptr<SimNode>>& nodes, StateWatch& watch);

  void Start();
  // After the heal: runs the world until the nodes agree, changes the state once more at two nodes, and reports what
  // did not come about.
  void Finish(Violations* violations);

  uint64_t proposed() const { return proposed_; }
  uint64_t changed() const { return changed_; }

 private:
  enum class Kind : uint8_t { kCreate, kSet, kDrop };

  void Change();
  void Propose(size_t node, Kind kind, const std::string& bucket);
  void OnDone(Kind kind, const std::string& bucket, uint64_t number, const absl::StatusOr<StateVersion>& version);
  bool AwaitAgreement();

  const StateWorkloadOptions options_;
  const Duration duration_;
  SimScheduler& scheduler_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  StateWatch& watch_;
  SimRandom random_;
  uint64_t proposed_ = 0, changed_ = 0;
  std::set<std::string> to_change_;  // buckets that Finish waits for
  Violations violations_;
};

}  // namespace henge::sim
