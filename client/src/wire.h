// Between calls and messages of the protocol.
#pragma once

#include <cstdint>
#include <string>

#include "client/src/call.h"
#include "henge/v1/client.pb.h"

namespace henge::sdk {

// What refuses a call before it is sent: limits that every node would refuse it for. The status says what to do.
absl::Status CheckCall(const Call& call);

// Fills all of `request`, which is cleared, but its id.
void FillRequest(const Call& call, SteadyTime now, v1::Request* request);

// The part of what is left that a node may use up, so that its own answer comes back before the call's deadline.
SteadyDuration ServerBudget(SteadyDuration left);

// A google.rpc.Code and its message, as replies carry them.
absl::Status StatusOf(uint32_t code, const std::string& message);
inline absl::Status StatusOf(const v1::Reply& reply) { return StatusOf(reply.code(), reply.message()); }
// The values and the context are moved out of `reply`.
ReadResult TakeReadResult(v1::Reply& reply, int attempts);
WriteResult TakeWriteResult(v1::Reply& reply, int attempts);
// Of a mutation's reply; an answer that doesn't say is in doubt unless it is OK.
Outcome OutcomeOf(const v1::Reply& reply);

}  // namespace henge::sdk
