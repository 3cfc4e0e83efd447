#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "core/model/assignment.h"
#include "core/model/limits.h"
#include "core/model/shares.h"

namespace henge {
namespace {

// An assignment within 2 % of the shares can't do with fewer moves: a member keeps no more than its share and 2 %, and
// must have its share less 2 %.
constexpr double kTolerance = 0.02;

using Counts = std::map<MemberId, int64_t>;

Counts CountOwned(const Assignment& assignment) {
  Counts counts;
  for (const std::vector<MemberId>& list : assignment) {
    for (MemberId id : list) ++counts[id];
  }
  return counts;
}

int CountMoves(const Assignment& before, const Assignment& after) {
  int moves = 0;
  for (size_t p = 0; p < after.size(); ++p) {
    for (MemberId id : after[p]) {
      const bool had = p < before.size() && std::find(before[p].begin(), before[p].end(), id) != before[p].end();
      if (!had) ++moves;
    }
  }
  return moves;
}

int LeastMoves(const std::vector<Member>& members, const Shares& shares, Counts before) {
  int64_t must_get = 0;
  int64_t may_keep = 0;
  for (size_t m = 0; m < members.size(); ++m) {
    const double share = shares.exact[m].AsDouble();
    const auto low = std::min<int64_t>(shares.quotas[m], std::floor(share * (1 - kTolerance)));
    const auto high = std::max<int64_t>(shares.quotas[m], std::ceil(share * (1 + kTolerance)));
    const int64_t had = before[members[m].id];
    must_get += std::max<int64_t>(0, low - had);
    may_keep += std::min(had, high);
  }
  return static_cast<int>(std::max(must_get, int64_t{kPartitionCount} * shares.replicas - may_keep));
}

void MeasureSpread(const std::vector<Member>& members, const Shares& shares, const Assignment& after,
                   AssignmentFigures* figures) {
  std::map<MemberId, int> zone_of;
  for (size_t m = 0; m < members.size(); ++m) zone_of[members[m].id] = shares.zone_of[m];
  std::set<std::vector<MemberId>> sets;
  std::set<std::pair<MemberId, MemberId>> pairs;
  const bool zones_suffice = shares.zone_count >= shares.replicas;
  for (const std::vector<MemberId>& list : after) {
    std::vector<MemberId> set = list;
    std::sort(set.begin(), set.end());
    std::set<int> zones;
    for (MemberId id : set) zones.insert(zone_of[id]);
    if (zones_suffice && zones.size() < set.size()) ++figures->zone_violations;
    if (!sets.insert(set).second) continue;
    for (MemberId a : set) {
      for (MemberId b : set) {
        if (a != b) pairs.emplace(a, b);
      }
    }
  }
  figures->replica_sets = static_cast<int>(sets.size());
  figures->scatter_mean = static_cast<double>(pairs.size()) / static_cast<double>(members.size());
}

}  // namespace

AssignmentFigures MeasureAssignment(const std::vector<Member>& members, uint32_t replicas, const Assignment& before,
                                    const Assignment& after) {
  AssignmentFigures figures;
  if (members.empty()) return figures;
  const Shares shares = ComputeShares(members, replicas);
  Counts owned = CountOwned(after);
  Counts firsts;
  for (const std::vector<MemberId>& list : after) {
    if (!list.empty()) ++firsts[list.front()];
  }
  for (size_t m = 0; m < members.size(); ++m) {
    const double share = shares.exact[m].AsDouble();
    const double first_share = share / shares.replicas;
    const auto count = static_cast<double>(owned[members[m].id]);
    const auto first_count = static_cast<double>(firsts[members[m].id]);
    figures.imbalance_max = std::max(figures.imbalance_max, std::abs(count - share) / share);
    figures.first_imbalance_max =
        std::max(figures.first_imbalance_max, std::abs(first_count - first_share) / first_share);
  }
  figures.moves = CountMoves(before, after);
  figures.moves_min = LeastMoves(members, shares, CountOwned(before));
  MeasureSpread(members, shares, after, &figures);
  return figures;
}

}  // namespace henge
