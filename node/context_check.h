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

// The same for a minter that opens an epoch at each mint and keeps nothing of it (P12): no epoch above its last one,
// and none with more than one version, was ever made.
bool IsOwnFuture(const VersionVector& seen, const Minter& minter);
absl::Status CheckOwnEpochs(const VersionVector& context, const Minter& minter);

}  // namespace henge
