// Whose data a store holds: the cluster and the member, written at the first start and checked at every other.
//
// Start-up only: these block on the store.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"
#include "core/runtime/random.h"
#include "storage/store_engine.h"

namespace henge {

// Takes a new store for member `self` of the cluster of `state`, or checks that it is that member's already. With other
// members, a new store begins as recovering in all that the member owns (P15).
// FAILED_PRECONDITION if it holds the data of another cluster or of another member, saying which and what to do.
absl::Status ClaimStore(StoreEngine& engine, const ClusterState& state, MemberId self);

// The cluster token of a single node that was given none: drawn at the first start, kept in the store (P30).
absl::StatusOr<std::string> LoadOrDrawToken(StoreEngine& engine, Random& random);

}  // namespace henge
