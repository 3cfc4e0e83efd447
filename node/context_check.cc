#include "node/context_check.h"

namespace henge {

absl::Status CheckOwnFuture(const VersionVector& context, const VersionVector& base, const Minter& minter) {
  for (const VersionVector::Entry& entry : context.entries()) {
    if (entry.actor.store != minter.store || entry.actor.lifetime != minter.lifetime) continue;
    if (entry.counter <= base.Get(entry.actor)) continue;
    return absl::InvalidArgumentError(
        "the context names versions that were never made here: it is forged, or of another history; read the key "
        "again");
  }
  return absl::OkStatus();
}

}  // namespace henge
