// The checks of a client's request that need no replica: all that can be refused before anything is done.
//
// Pure. The request is untrusted input; each refusal says what was wrong and what to do.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "coordinator/coordinator.h"
#include "core/model/context.h"
#include "core/model/ring.h"
#include "core/runtime/messages.h"

namespace henge {

struct CheckedRequest {
  RecordKey key;
  Context context;  // opened; empty if the client sent none
  MonotonicTime deadline;
  int owners = 0;    // of the key: min(N, members)
  int quorum = 0;    // R or W
  int majority = 0;  // the quorum of the reads that a mutation needs for itself
  bool strict = false;
  bool as_fallback = false;  // this node is no owner, and coordinates all the same (P12); set by the coordinator
  uint64_t ttl_ms = 0;       // of the bucket, for a put that names no expiry; 0 = none
};

// INVALID_ARGUMENT for what can't be right (empty or oversized key or value, unknown bucket, quorum out of range, bad
// context); DEADLINE_EXCEEDED if no time is left.
absl::StatusOr<CheckedRequest> CheckRequest(const ClientRequest& request, const Ring& ring,
                                            const CoordinatorOptions& options, MonotonicTime now);

// Tells a retry of a mutation from a reuse of its op_id for another one (P8).
uint64_t RequestHash(const ClientRequest& request);

}  // namespace henge
