// A put or a delete, on an owner of its key, or on a fallback that coordinates.
#pragma once

#include "coordinator/coordinator_core.h"
#include "coordinator/request_checks.h"
#include "coordinator/write_round.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

Task<ClientReply> RunMutation(CorePtr core, ClientRequest request, CheckedRequest checked);

// P7, after the reply: mints a version anew whose copies may be covered by history that was lost.
Task<void> MintAgain(CorePtr core, MintCommand command, WritePlan plan);

}  // namespace henge
