// The shapes of a network partition: which directions between members are cut. Pure, but for its draws.
//
// Clients reach every node all the while, which is the harder case: both sides are written to.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/sim/sim_network.h"
#include "tests/sim/sim_random.h"

namespace henge::sim {

enum class CutShape : uint8_t {
  kIsolated,      // one member alone
  kPair,          // two members don't see each other, everyone else sees both (H39)
  kOneWay,        // one member's words to another are lost
  kUnheard,       // one member hears, and nobody hears it
  kDeaf,          // one member is heard, and hears nobody
  kSplit,         // two sides, as equal as can be
  kBridge,        // two sides, and one member that sees both
  kMajorityRing,  // each member sees most of the others, no two the same ones
};
inline constexpr int kCutShapes = 8;

// From a word to the other end: (from, to).
using Cuts = std::vector<std::pair<HostId, HostId>>;

// Cuts of this shape among members 1 to `members`, 2 or more; which members it strikes is drawn.
Cuts CutsOf(CutShape shape, uint32_t members, SimRandom* random);

// Most real partitions isolate one node; the other shapes come now and then.
CutShape DrawShape(SimRandom* random);

}  // namespace henge::sim
