#include "node/hints/hint_route.h"

namespace henge {

HintRoute RouteOf(const Ring& ring, const HintKey& key) {
  HintRoute route;
  if (ring.state().FindBucket(key.record.bucket) == nullptr) {
    route.fate = ring.state().IsDropped(key.record.bucket) ? HintFate::kDrop : HintFate::kWait;
    return route;
  }
  if (ring.IsOwner(key.record.partition, key.target)) {
    route.to = {key.target};
  } else {
    const auto owners = ring.Owners(key.record.partition);
    route.to.assign(owners.begin(), owners.end());
    route.redirected = true;
  }
  if (!route.to.empty()) route.fate = HintFate::kDeliver;
  return route;
}

}  // namespace henge
