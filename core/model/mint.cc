#include "core/model/mint.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/model/object_builder.h"

namespace henge {
namespace {

// Epochs above this were not counted from 1 by any process: they come from a forged or broken context. They are stepped
// over like any other, but don't use up the numbers that are left.
constexpr uint64_t kCountedEpochMax = uint64_t{1} << 62;

// The lowest epoch that is above all that this minter opened and all that `vv` shows of its lifetime.
uint64_t NewEpoch(const VersionVector& vv, const Minter& minter) {
  uint64_t epoch = minter.last_epoch + 1;
  const std::span<const VersionVector::Entry> entries = vv.entries();
  auto it = std::lower_bound(entries.begin(), entries.end(), Actor{minter.store, minter.lifetime, 0},
                             [](const VersionVector::Entry& e, const Actor& a) { return e.actor < a; });
  for (; it != entries.end() && it->actor.store == minter.store && it->actor.lifetime == minter.lifetime; ++it) {
    const uint64_t seen = it->actor.epoch;
    if (seen == epoch || (seen > epoch && seen <= kCountedEpochMax)) epoch = seen + 1;
  }
  return epoch;
}

// The next dot over `vv`, into which the client's context is joined already: what a context claims of this actor counts
// as history that this replica doesn't have (P4).
Dot NextDot(const VersionVector& vv, const std::optional<Mark>& mark, Minter* minter) {
  if (mark.has_value() && mark->lifetime == minter->lifetime && mark->counter > 0) {
    const Actor actor{minter->store, minter->lifetime, mark->epoch};
    if (vv.Get(actor) == mark->counter) return {actor, mark->counter + 1};
  }
  minter->last_epoch = NewEpoch(vv, *minter);
  return {{minter->store, minter->lifetime, minter->last_epoch}, 1};
}

}  // namespace

Minted MintVersion(Object base, const std::optional<Mark>& mark, const VersionVector& context, Mutation mutation,
                   uint64_t hlc, Minter* minter, ConflictPolicy conflict) {
  Minted minted{.object = std::move(base)};
  ObjectBuilder::Supersede(minted.object, context);
  minted.dot = NextDot(minted.object.vv(), mark, minter);
  minted.mark = {minted.dot.actor.lifetime, minted.dot.actor.epoch, minted.dot.counter};
  Sibling sibling{.dot = minted.dot,
                  .tombstone = mutation.tombstone,
                  .expires_at_ms = mutation.tombstone ? 0 : mutation.expires_at_ms,
                  .hlc = hlc,
                  .op_id = mutation.op_id,
                  .request_hash = mutation.request_hash};
  if (!mutation.tombstone) sibling.value = std::move(mutation.value);
  ObjectBuilder::Add(minted.object, std::move(sibling));
  Resolve(conflict, &minted.object);
  return minted;
}

}  // namespace henge
