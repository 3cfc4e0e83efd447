// Who stands in for the owners of a partition that can't be reached, in the order in which to ask.
#pragma once

#include <optional>
#include <span>

#include "absl/container/inlined_vector.h"
#include "coordinator/coordinator_core.h"
#include "core/model/ids.h"

namespace henge {

using FallbackList = absl::InlinedVector<MemberId, 8>;

// The fallbacks of `partition` without this node, in the ring's order: those that answer first, then those that are
// late, then those out of reach.
FallbackList FallbacksToAsk(const CoordinatorCore& core, PartitionId partition);

// The first fallback of `partition`, this node among them, that is not avoided and not in `tried`. None if there is
// none: a fallback that is late or held dead coordinates nothing.
std::optional<MemberId> NextCoordinator(const CoordinatorCore& core, PartitionId partition,
                                        std::span<const MemberId> tried);

// The owner for whom this node, a fallback that coordinates, keeps its own copy: one that can't be reached, if any.
MemberId MissingOwner(const CoordinatorCore& core, PartitionId partition);

}  // namespace henge
