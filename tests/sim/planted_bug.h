// Bugs below, beside or before the node that the checkers must catch. A run with one must show violations.
#pragma once

#include <cstdint>
#include <string>

namespace henge::sim {

enum class PlantedBug : uint8_t {
  kNone,
  kAckBeforeCommit,
  kDropSibling,
  kForgetWrites,
  kStaleLeaf,      // a merged record does not change its Merkle leaf
  kReuseLifetime,  // a restarted process draws the lifetimes of the last one (P3 absent)
  kSyncDoesNothing,
  kForgetVotes,         // a vote on the cluster state is not stored (P31 absent)
  kForgetStates,        // a decided cluster state is not stored
  kForgetDead,          // whom gossip holds dead is never asked again
  kFallbackAsPrimary,   // the hint of a fallback is told as the copy of an owner (P10 absent)
  kSloppyStrictWrites,  // a write that asked to be strict isn't: fallbacks count (H14)
  kSloppyStrictReads,   // a read that asked to be strict isn't: hints count, and nothing is repaired first (P14, H26)
  kAckBeforePeer,       // a merge without a mint, as of a hint, counts as acked when it is sent (P18 absent)
  kOverwritingRepair,   // a repair replaces the record instead of being merged into it (H25)
  kForgetTombstones,    // a record of nothing but tombstones is stored as empty (H22)
  kOverwritingHints,    // a hint replaces the one that is there (P16 absent)
  kForgetHints,         // one hint in four is acknowledged and not stored
  kPassHintsOver,       // rounds of delivery find no hint for a minute: as if none had begun again (H20)
};

// kNone if no bug has this name.
PlantedBug ParsePlantedBug(const std::string& name);
// All of them, separated by blanks.
std::string PlantedBugNames();

}  // namespace henge::sim
