// I20: in strict mode with R + W > N a key is a regular register that holds siblings.
//
// Each strict read must be what some order of the writes allows: an order in which every write that was acknowledged
// before the read began comes before it, those that were under way or of unknown outcome come before it or don't, and
// none comes before one that its writer had seen. In such an order a write replaces what its writer had seen and stands
// beside the rest. Moreover no strict read shows less than one that ended before it began (P14): what that one showed
// counts as written, what it found replaced stays replaced. So with one writer the register is linearizable.
//
// The search for an order is that of Wing and Gong, over sets of writes instead of sequences: the order within a set
// makes no difference to what it leaves. It trusts what clients sent and saw, and no clock but the world's. Pure.
#pragma once

#include "tests/sim/checkers.h"
#include "tests/sim/history.h"

namespace henge::sim {

void CheckRegular(const History& history, Violations* out);

}  // namespace henge::sim
