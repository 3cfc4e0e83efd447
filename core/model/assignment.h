// The assignment solver: which members own each partition.
//
// Deterministic, integers only, so that every build of every machine gets the same lists (P30). Order of goals: no two
// replicas in one zone while zones suffice; each member within 2 % of its weighted share; fewest moves from the lists
// that stand; small scatter (neighbouring arcs share a replica set, so that few pairs of failures meet). The first
// positions, where clients route first, are balanced in the same proportions.
//
// A share is what is possible: a member owns a partition at most once, a zone too while zones suffice, and what exceeds
// that goes to the others by weight (shares.h).
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/cluster_state.h"
#include "core/model/ids.h"

namespace henge {

using Assignment = std::vector<std::vector<MemberId>>;  // kPartitionCount preference lists

// `current` is the assignment that stands, or empty. Every list of the result has min(replicas, members) entries; all
// are empty if there is no member. A `current` that is valid and within the bounds is returned as it is.
Assignment SolveAssignment(const std::vector<Member>& members, uint32_t replicas, const Assignment& current);

struct AssignmentFigures {
  double imbalance_max = 0;        // worst |owned - share| / share over the members
  double first_imbalance_max = 0;  // the same over first positions
  int moves = 0;                   // (partition, member) pairs of the new assignment that the old one lacks
  int moves_min = 0;               // a lower bound of moves for these shares
  double scatter_mean = 0;         // how many other members a member shares a partition with
  int replica_sets = 0;            // distinct replica sets
  int zone_violations = 0;         // partitions with two replicas in a zone though enough zones exist
};
AssignmentFigures MeasureAssignment(const std::vector<Member>& members, uint32_t replicas, const Assignment& before,
                                    const Assignment& after);

}  // namespace henge
