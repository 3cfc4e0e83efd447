#include "node/context_check.h"

namespace henge {
namespace {

absl::Status ForgedContext() {
  return absl::InvalidArgumentError(
      "the context names versions that were never made here: it is forged, or of another history; read the key again");
}

}  // namespace

absl::Status CheckOwnFuture(const VersionVector& context, const VersionVector& base, const Minter& minter) {
  for (const VersionVector::Entry& entry : context.entries()) {
    if (entry.actor.store != minter.store || entry.actor.lifetime != minter.lifetime) continue;
    if (entry.counter <= base.Get(entry.actor)) continue;
    return ForgedContext();
  }
  return absl::OkStatus();
}

bool IsOwnFuture(const VersionVector& seen, const Minter& minter) {
  for (const VersionVector::Entry& entry : seen.entries()) {
    if (entry.actor.store != minter.store || entry.actor.lifetime != minter.lifetime) continue;
    if (entry.actor.epoch > minter.last_epoch || entry.counter > 1) return true;
  }
  return false;
}

absl::Status CheckOwnEpochs(const VersionVector& context, const Minter& minter) {
  return IsOwnFuture(context, minter) ? ForgedContext() : absl::OkStatus();
}

}  // namespace henge
