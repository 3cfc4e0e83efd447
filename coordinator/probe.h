// Probing an avoided replica with a real read, so that it is asked again once it answers in time, and is disqualified
// without a request that waits for it if it doesn't (P39).
#pragma once

#include "coordinator/coordinator_core.h"
#include "core/runtime/messages.h"

namespace henge {

// Probes each avoided owner of `key` whose probe is due. Costs nothing while no replica is avoided.
void ProbeAvoided(const CorePtr& core, const RecordKey& key, LayoutEpoch epoch);

}  // namespace henge
