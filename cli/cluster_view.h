// The cluster state as commands use it: fetched and decoded.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/context.h"
#include "core/model/ring.h"

namespace henge::cli {

absl::StatusOr<Ring> FetchRing(Context& context);

// "n1", or "member 7" if the state doesn't know it.
std::string MemberName(const ClusterState& state, MemberId id);

// How many partitions each member owns, and of how many it is the first owner; in the order of the members.
struct Ownership {
  int owned = 0;
  int first = 0;
};
std::vector<Ownership> CountOwnership(const ClusterState& state);

// "33.3 %"
std::string Percent(double part, double whole);

}  // namespace henge::cli
