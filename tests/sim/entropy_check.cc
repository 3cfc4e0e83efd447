#include "tests/sim/entropy_check.h"

#include "absl/strings/str_cat.h"
#include "node/node_figures.h"

namespace henge::sim {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(200);
// A few turns of rounds with every peer, each of which may have to see a difference twice.
constexpr Duration kConvergenceMax = std::chrono::seconds(60);
constexpr Duration kQuiet = std::chrono::seconds(12);

}  // namespace

AntiEntropyFigures EntropyCheck::Sum() {
  NodeFigures sum;
  for (auto& node : nodes_) AddTo(&sum, node->EntropyFigures());
  return sum.entropy;
}

bool EntropyCheck::Converged() {
  for (auto& node : nodes_) {
    if (!node->running() || node->hint_figures().hints > 0) return false;
  }
  for (PartitionId partition : partitions_) {
    const std::span<const MemberId> owners = ring_->Owners(partition);
    const PartitionTree first = nodes_[owners[0].value() - 1]->ReadTree(partition);
    for (MemberId owner : owners) {
      if (nodes_[owner.value() - 1]->ReadTree(partition) != first) return false;
    }
  }
  return Sum().recovering == 0;
}

void EntropyCheck::AwaitConvergence(Violations* out) {
  const SimTime began = scheduler_.now();
  while (!Converged() && scheduler_.now() - began < kConvergenceMax) scheduler_.RunFor(kLook);
  took_ = scheduler_.now() - began;
  if (!Converged()) {
    out->push_back({"I3", "the replicas have not become equal by anti-entropy alone"});
    return;
  }
  // What was under way may still end.
  scheduler_.RunFor(std::chrono::seconds(5));
  const AntiEntropyFigures before = Sum();
  scheduler_.RunFor(kQuiet);
  const AntiEntropyFigures after = Sum();
  if (after.rounds_equal == before.rounds_equal) out->push_back({"I16", "anti-entropy has stopped"});
  const uint64_t repaired = after.repaired_here + after.repaired_there - before.repaired_here - before.repaired_there;
  if (repaired > 0) {
    out->push_back({"I16", absl::StrCat("anti-entropy repaired ", repaired, " records of equal replicas")});
  }
}

void EntropyCheck::CheckTrees(Violations* out) {
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (!nodes_[n]->running()) continue;
    for (PartitionId partition : partitions_) {
      const absl::StatusOr<PartitionTree> scanned = nodes_[n]->RecomputeTree(partition);
      if (scanned.ok() && *scanned == nodes_[n]->ReadTree(partition)) continue;
      out->push_back({"I16", absl::StrCat("the tree of partition ", partition.value(), " on node ", n + 1,
                                          " is not that of its records: ", scanned.status().ToString())});
    }
  }
}

}  // namespace henge::sim
