// What is watched of the cluster state while a simulated run goes on: each state that any node goes by passes here.
//
// P30/P31 there are never two states of one version; a node's version never goes back, over restarts neither, but by an
// injected loss of its disk; a change that was acknowledged is in the version that the acknowledgement names, alone.
#pragma once

#include <map>
#include <string>

#include "core/model/ring.h"
#include "tests/sim/checkers.h"

namespace henge::sim {

class StateWatch {
 public:
  // The node goes by `ring` from now on, or starts with it.
  void OnState(int node, const RingPtr& ring);
  // The node's disk is empty now.
  void OnWipe(int node) { newest_.erase(node); }
  // A proposer was told that its change, `what`, made `version`.
  void OnChanged(StateVersion version, const std::string& what);

  // The state of `version`, or null if no node has gone by it.
  RingPtr At(StateVersion version) const;
  // Whether `nodes` nodes go by one version, the newest of all.
  bool Agree(int nodes) const;
  StateVersion newest() const;
  uint64_t versions() const { return states_.size(); }

  const Violations& violations() const { return violations_; }

 private:
  std::map<StateVersion, RingPtr> states_;
  std::map<StateVersion, std::string> changed_;
  std::map<int, StateVersion> newest_;
  Violations violations_;
};

}  // namespace henge::sim
