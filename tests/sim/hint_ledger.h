// I15: every hint is accounted for. What was made durable is delivered, or joined into another hint for the same owner
// and key, given up for a mark, or still there.
//
// Watched at the seam of the hint store, over all nodes: a hint that replaces one must contain it (P16); one may go
// only when its target holds all of it durably (P18); what is durable outlives every restart; and when the cluster is
// at rest nothing is left that nobody keeps. Only a wiped disk takes hints with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/model/time.h"
#include "core/model/version_vector.h"
#include "storage/hint_store.h"
#include "tests/sim/checkers.h"

namespace henge::sim {

struct HintLedgerFigures {
  uint64_t created = 0;
  uint64_t joined = 0;     // into one that was there
  uint64_t delivered = 0;  // and removed
  uint64_t marked = 0;     // given up for a mark
  uint64_t wiped = 0;      // with the disk that they lay on
};

class HintLedger {
 public:
  // A hint is handed to the store of `node`.
  void OnPut(int node, const HintKey& key, const VersionVector& vv);
  // It is durable.
  void OnPutDurable(int node, const HintKey& key, const VersionVector& vv);
  // The store of `node` shows this hint: so it is durable, if nobody had heard so before a crash.
  void OnSeen(int node, const HintKey& key, const VersionVector& vv);
  // A removal is handed to the store; then its end. `at_target`: what the target has durably, or null.
  void OnRemoval(int node, const HintKey& key);
  void OnRemovalEnd(int node, const HintKey& key, bool removed, const VersionVector* at_target);
  // As the end of a removal; but a mark takes its place (P17), made for that W. `holders_of`: how many nodes have it
  // all durably.
  void OnMarkEnd(int node, const HintKey& key, bool marked, uint32_t needed,
                 const std::function<uint32_t(const VersionVector&)>& holders_of);
  // What was under way there may have taken effect, or not.
  void OnCrash(int node);
  void OnWipe(int node);
  // The store of `node` was opened, and counts so many.
  void OnOpened(int node, uint64_t hints);
  // At rest: no node keeps a hint any more.
  void CheckAllDelivered();

  // Hints that are surely there.
  uint64_t Pending(int node) const;
  const HintLedgerFigures& figures() const { return figures_; }
  const Violations& violations() const { return violations_; }

 private:
  using Place = std::pair<int, HintKey>;
  struct Entry {
    VersionVector vv;
    bool maybe_gone = false;  // a removal was under way at a crash
  };

  void EndRemoval(const Place& place);
  void Forget(std::map<Place, Entry>::iterator at);
  void Report(const Place& place, const std::string& what);

  std::map<Place, Entry> entries_;          // surely durable, but for maybe_gone
  std::map<Place, VersionVector> removed_;  // what a late answer of a read may still show
  std::map<Place, int> removals_;           // under way
  HintLedgerFigures figures_;
  Violations violations_;
};

}  // namespace henge::sim
