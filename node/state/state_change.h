// A change of the cluster state, as its keeper proposes it.
//
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"

namespace henge {

// From one cluster state to the next. May run several times, each time over the newest state; the version and the list
// of changes are the keeper's to raise.
using StateChange = std::function<absl::StatusOr<ClusterState>(const ClusterState&)>;

// `state` with the next version, which `change` names.
ClusterState Successor(ClusterState state, uint64_t change);

// The version that `change` made, if `state` names it.
std::optional<StateVersion> VersionOfChange(const ClusterState& state, uint64_t change);

// Binds each member of version 1 to its store (P31), but for those in `without`, which have never started.
// FAILED_PRECONDITION: they are bound already.
StateChange BindAll(std::vector<std::pair<MemberId, StoreId>> stores, std::set<MemberId> without = {});
// Binds one member to another store than before: the former one's votes count no more. FAILED_PRECONDITION if `store`
// is its own already, or version 2 isn't decided yet.
StateChange Rebind(MemberId member, StoreId store);

}  // namespace henge
