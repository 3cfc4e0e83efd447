// Probing a disqualified replica with a real read, so that it is asked again once it answers in time (P39).
#pragma once

#include "coordinator/coordinator_core.h"
#include "core/runtime/messages.h"

namespace henge {

// Probes each disqualified owner of `key` whose probe is due. Costs nothing while no replica is disqualified.
void ProbeDisqualified(const CorePtr& core, const RecordKey& key, LayoutEpoch epoch);

}  // namespace henge
