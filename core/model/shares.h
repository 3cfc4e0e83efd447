// How many replicas each member should own: the weighted shares, capped by what distinct replicas and zones allow.
//
// Pure integer arithmetic. Used by the assignment solver and by who judges its results.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/cluster_state.h"

namespace henge {

struct Shares {
  struct Exact {
    uint64_t numerator = 0;
    uint64_t denominator = 1;
    double AsDouble() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
  };

  int replicas = 0;          // min(replicas, members): the length of every list
  int per_zone_max = 0;      // how many replicas of one partition a zone may hold; 1 while zones suffice
  std::vector<int> zone_of;  // per member: its zone, numbered by first appearance
  int zone_count = 0;
  std::vector<Exact> exact;     // per member
  std::vector<int64_t> quotas;  // per member: `exact` rounded so that all add up to replicas * kPartitionCount
};

// `members` in the order in which the results are given. The rest of a share that is capped goes to the others by
// weight.
Shares ComputeShares(const std::vector<Member>& members, uint32_t replicas);

}  // namespace henge
