// A get, on an owner of its key or on a fallback that coordinates: a read of R, merged, and repaired where a replica
// was behind.
#pragma once

#include "coordinator/coordinator_core.h"
#include "coordinator/request_checks.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

Task<ClientReply> RunGet(CorePtr core, CheckedRequest request);

}  // namespace henge
