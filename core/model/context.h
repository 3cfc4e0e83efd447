// The causal context that a client carries from a read to its next write: opaque to it, bound to one key.
//
// Encoding: docs/FORMAT.md, "Context". Contexts are untrusted input; Open() refuses what Seal() didn't make for this
// key of this cluster, and what is longer than kContextBytesMax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/version_vector.h"

namespace henge {

struct Context {
  VersionVector vv;
  uint64_t hlc_max = 0;  // the greatest stamp among the versions that it covers (P9)

  bool operator==(const Context&) const = default;
};

std::string SealContext(const Context& context, ClusterId cluster, BucketId bucket, std::string_view key);

// INVALID_ARGUMENT, saying which of these it was: too long, truncated or corrupt, of another cluster, of another key.
// An empty `sealed` is the empty context (a blind write).
absl::StatusOr<Context> OpenContext(std::string_view sealed, ClusterId cluster, BucketId bucket, std::string_view key);

}  // namespace henge
