// Replies and errors that several operations share.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "coordinator/coordinator_core.h"
#include "core/runtime/messages.h"

namespace henge {

// A reply with the facts that every reply has.
ClientReply MakeReply(const CoordinatorCore& core, absl::Status status, Outcome outcome);

// After a quorum was not met: UNAVAILABLE if it is out of reach, DEADLINE_EXCEEDED if time ran out first.
absl::Status QuorumError(bool timed_out, const std::string& text);

}  // namespace henge
