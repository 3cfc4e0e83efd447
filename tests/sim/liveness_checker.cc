#include "tests/sim/liveness_checker.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace henge::sim {

std::vector<std::string> NotAlive(const std::vector<std::unique_ptr<SimNode>>& nodes) {
  std::vector<std::string> found;
  for (const auto& node : nodes) {
    const LivenessPtr liveness = node->liveness();
    if (liveness == nullptr) {
      found.push_back(absl::StrCat("n", node->member().value(), " does not run"));
      continue;
    }
    for (const LivenessSnapshot::Entry& entry : liveness->entries()) {
      if (entry.liveness == Liveness::kAlive) continue;
      found.push_back(absl::StrCat("n", node->member().value(), " holds n", entry.member.value(),
                                   entry.liveness == Liveness::kDead ? " dead" : " suspect"));
    }
  }
  return found;
}

void CheckEveryoneAlive(SimScheduler& scheduler, const std::vector<std::unique_ptr<SimNode>>& nodes, SimTime limit,
                        Violations* out) {
  if (scheduler.RunUntilTrue([&nodes] { return NotAlive(nodes).empty(); }, limit)) return;
  out->push_back({"I17", absl::StrCat("long after the heal ", absl::StrJoin(NotAlive(nodes), ", "))});
}

}  // namespace henge::sim
