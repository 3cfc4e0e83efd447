// What a client's context may not claim (H12). Pure.
#pragma once

#include "absl/status/status.h"
#include "core/model/mint.h"
#include "core/model/version_vector.h"

namespace henge {

// All that `minter`'s run has minted of a key is in `base`, its newest local record, so a context can't know more of
// it: INVALID_ARGUMENT if it does. What a context claims of other actors harms nobody: a record that outruns its
// actor's mark makes that actor open a new epoch (P4, P7).
absl::Status CheckOwnFuture(const VersionVector& context, const VersionVector& base, const Minter& minter);

}  // namespace henge
