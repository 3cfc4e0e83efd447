#include "core/model/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace henge {
namespace {

// A third of the name may be wrong, and always two letters.
size_t DistanceMax(const std::string& name) { return std::max<size_t>(2, name.size() / 3); }

// Insertions, removals and replacements that turn `a` into `b`.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestName(const std::string& name, const std::vector<std::string>& known) {
  std::string nearest;
  size_t best = DistanceMax(name) + 1;
  for (const std::string& candidate : known) {
    size_t distance = EditDistance(name, candidate);
    // Nothing of it may be right.
    if (distance >= best || distance >= candidate.size()) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace henge
