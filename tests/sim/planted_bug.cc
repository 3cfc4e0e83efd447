#include "tests/sim/planted_bug.h"

#include <utility>

namespace henge::sim {
namespace {

constexpr std::pair<const char*, PlantedBug> kBugs[] = {
    {"ack-before-commit", PlantedBug::kAckBeforeCommit},
    {"drop-sibling", PlantedBug::kDropSibling},
    {"forget-writes", PlantedBug::kForgetWrites},
    {"stale-leaf", PlantedBug::kStaleLeaf},
    {"reuse-lifetime", PlantedBug::kReuseLifetime},
    {"sync-does-nothing", PlantedBug::kSyncDoesNothing},
    {"forget-votes", PlantedBug::kForgetVotes},
    {"forget-states", PlantedBug::kForgetStates},
    {"forget-dead", PlantedBug::kForgetDead},
    {"fallback-as-primary", PlantedBug::kFallbackAsPrimary},
    {"sloppy-strict-writes", PlantedBug::kSloppyStrictWrites},
    {"sloppy-strict-reads", PlantedBug::kSloppyStrictReads},
    {"ack-before-peer", PlantedBug::kAckBeforePeer},
    {"overwriting-repair", PlantedBug::kOverwritingRepair},
    {"forget-tombstones", PlantedBug::kForgetTombstones},
    {"overwriting-hints", PlantedBug::kOverwritingHints},
    {"forget-hints", PlantedBug::kForgetHints},
    {"pass-hints-over", PlantedBug::kPassHintsOver},
};

}  // namespace

PlantedBug ParsePlantedBug(const std::string& name) {
  for (const auto& [known, bug] : kBugs) {
    if (name == known) return bug;
  }
  return PlantedBug::kNone;
}

std::string PlantedBugNames() {
  std::string names;
  for (const auto& [name, bug] : kBugs) names.append(names.empty() ? "" : " ").append(name);
  return names;
}

}  // namespace henge::sim
