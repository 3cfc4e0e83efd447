#include "coordinator/fallbacks.h"

#include <algorithm>
#include <vector>

namespace henge {

FallbackList FallbacksToAsk(const CoordinatorCore& core, PartitionId partition) {
  const std::vector<MemberId> in_order = core.ring->Fallbacks(partition);
  FallbackList list;
  for (MemberId member : in_order) {
    if (member != core.options.self) list.push_back(member);
  }
  auto late = std::stable_partition(list.begin(), list.end(), [&](MemberId m) { return !core.Avoided(m); });
  std::stable_partition(late, list.end(), [&](MemberId m) { return !core.OutOfReach(m); });
  return list;
}

std::optional<MemberId> NextCoordinator(const CoordinatorCore& core, PartitionId partition,
                                        std::span<const MemberId> tried) {
  for (MemberId member : core.ring->Fallbacks(partition)) {
    const bool was_tried = std::find(tried.begin(), tried.end(), member) != tried.end();
    if (!was_tried && (member == core.options.self || !core.Avoided(member))) return member;
  }
  return std::nullopt;
}

MemberId MissingOwner(const CoordinatorCore& core, PartitionId partition) {
  const std::span<const MemberId> owners = core.ring->Owners(partition);
  for (MemberId owner : owners) {
    if (core.OutOfReach(owner)) return owner;
  }
  for (MemberId owner : owners) {
    if (core.health.Avoided(owner)) return owner;
  }
  return owners.front();
}

}  // namespace henge
