// Whether and when a failed attempt is tried again. Pure: the failure, the time left and chance go in, a verdict comes
// out.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "client/src/steady_time.h"
#include "henge/client.h"

namespace henge::sdk {

// How one attempt ended.
struct AttemptFailure {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  enum class Cause : uint8_t {
    kAnswered,  // by a node
    kLost,      // the connection broke after it was sent
    kLate,      // the node has done nothing for too long, and calls go around it now
    kNotSent,   // no node is connected
  } cause = Cause::kAnswered;
  bool did_nothing = false;  // a mutation that surely was not applied, or a read that the node refused
  bool read = false;
  SteadyDuration retry_after{0};
};

struct RetryVerdict {
  bool retry = false;
  SteadyDuration delay{0};
  int cost = 0;  // tokens of the quota; none left: no retry
};

// Whether the code names a condition that may pass, so that the same call may succeed next time.
bool IsTransient(absl::StatusCode code);

// `attempts` have been made, the last of which failed so; `left` remains until the deadline. `random` is uniform.
//
// The first move to another node is free and immediate if the node that was asked is gone or didn't take the call: that
// is no sign of overload, and what was in flight bounds its number. So is the first move of a read from a node that
// reached no quorum, where another may, and each move away from a silent node. All others
// wait for exponential backoff with full jitter, or for as long as the node asked, and cost quota.
RetryVerdict DecideRetry(const RetryPolicy& policy, const AttemptFailure& failure, int attempts, SteadyDuration left,
                         uint64_t random);

}  // namespace henge::sdk
