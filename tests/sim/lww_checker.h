// The judge of last-writer-wins buckets (P9). Writes may be lost there by contract, but only to a later stamp, and
// never to one that their writer had seen.
#pragma once

#include <functional>

#include "core/model/dot.h"
#include "core/model/object.h"
#include "tests/sim/checkers.h"
#include "tests/sim/history.h"

namespace henge::sim {

// The dots of a mutation, and the version that was committed under a dot, or null.
struct LwwVersions {
  std::function<std::vector<Dot>(MutationId)> dots_of;
  std::function<const Sibling*(const Dot&)> version_of;
};

// `finals` are of keys in such buckets. I3: replicas are equal, with one version each. I1: that version is no older
// than any acknowledged one, and none that the writer of an acknowledged one had seen; a final read shows it. I4: who
// had seen a version is stamped above it; no read shows two values. I2 is judged by CheckNoPhantoms for all buckets.
void CheckLastWriterWins(const History& history, const FinalStates& finals, const LwwVersions& versions,
                         Violations* out);

}  // namespace henge::sim
