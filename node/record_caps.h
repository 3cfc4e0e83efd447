// The bounds of one record, checked on what a put would leave, before it mints (P38).
//
// Pure. Deletes are never refused, and merges aren't either: a replica takes what was acknowledged elsewhere.
#pragma once

#include "absl/status/status.h"
#include "core/model/mint.h"
#include "core/model/object.h"
#include "core/model/version_vector.h"

namespace henge {

// FAILED_PRECONDITION if the record under `base` would have more than kSiblingsMax versions or kObjectBytesMax bytes
// after `mutation` under `context`.
absl::Status CheckCaps(const Object& base, const VersionVector& context, const Mutation& mutation);

}  // namespace henge
