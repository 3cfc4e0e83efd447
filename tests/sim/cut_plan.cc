#include "tests/sim/cut_plan.h"

#include <algorithm>
#include <numeric>

#include "core/runtime/check.h"

namespace henge::sim {
namespace {

void CutBoth(HostId a, HostId b, Cuts* cuts) { cuts->insert(cuts->end(), {{a, b}, {b, a}}); }

std::vector<HostId> Shuffled(uint32_t members, SimRandom* random) {
  std::vector<HostId> order(members);
  std::iota(order.begin(), order.end(), HostId{1});
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random->Below(i)]);
  return order;
}

// The first `left` of `order` don't see the last `right` of them.
Cuts Sides(const std::vector<HostId>& order, size_t left, size_t right) {
  Cuts cuts;
  for (size_t a = 0; a < left; ++a) {
    for (size_t b = order.size() - right; b < order.size(); ++b) CutBoth(order[a], order[b], &cuts);
  }
  return cuts;
}

// Seated in a ring, each sees its neighbours up to so many seats away that they are a majority with it.
Cuts MajorityRing(const std::vector<HostId>& order) {
  Cuts cuts;
  const size_t n = order.size();
  const size_t reach = (n / 2 + 1) / 2;
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = a + 1; b < n; ++b) {
      const size_t apart = std::min(b - a, n - (b - a));
      if (apart > reach) CutBoth(order[a], order[b], &cuts);
    }
  }
  return cuts;
}

}  // namespace

Cuts CutsOf(CutShape shape, uint32_t members, SimRandom* random) {
  HENGE_CHECK(members >= 2);
  const std::vector<HostId> order = Shuffled(members, random);
  Cuts cuts;
  switch (shape) {
    case CutShape::kIsolated:
      return Sides(order, 1, members - 1);
    case CutShape::kPair:
      CutBoth(order[0], order[1], &cuts);
      return cuts;
    case CutShape::kOneWay:
      return {{order[0], order[1]}};
    case CutShape::kUnheard:
      for (size_t i = 1; i < order.size(); ++i) cuts.emplace_back(order[0], order[i]);
      return cuts;
    case CutShape::kDeaf:
      for (size_t i = 1; i < order.size(); ++i) cuts.emplace_back(order[i], order[0]);
      return cuts;
    case CutShape::kSplit:
      return Sides(order, members / 2, members - members / 2);
    case CutShape::kBridge:
      return members == 2 ? Sides(order, 1, 1) : Sides(order, (members - 1) / 2, members - 1 - (members - 1) / 2);
    case CutShape::kMajorityRing:
      cuts = MajorityRing(order);
      return cuts.empty() ? Sides(order, 1, 1) : cuts;
  }
  return cuts;
}

CutShape DrawShape(SimRandom* random) {
  if (random->Chance(0.4)) return CutShape::kIsolated;
  if (random->Chance(0.3)) return CutShape::kSplit;
  return static_cast<CutShape>(random->Below(kCutShapes));
}

}  // namespace henge::sim
