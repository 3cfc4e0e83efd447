#include "core/model/leaf_diff.h"

#include <tuple>

namespace henge {
namespace {

std::strong_ordering ByPlace(const LeafRecord& a, const LeafRecord& b) {
  return std::tie(a.bucket, a.key) <=> std::tie(b.bucket, b.key);
}

absl::Status CheckOrder(const std::vector<LeafRecord>& records) {
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].hash == 0) return absl::InvalidArgumentError("the peer lists a record without a hash");
    if (i > 0 && ByPlace(records[i - 1], records[i]) >= 0) {
      return absl::InvalidArgumentError("the peer lists the records of a segment out of order, or one twice");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LeafDiff> CompareLeaf(const std::vector<LeafRecord>& ours, const std::vector<LeafRecord>& theirs) {
  if (absl::Status order = CheckOrder(theirs); !order.ok()) return order;
  LeafDiff diff;
  auto mine = ours.begin();
  auto other = theirs.begin();
  while (mine != ours.end() || other != theirs.end()) {
    const bool mine_first = other == theirs.end() || (mine != ours.end() && ByPlace(*mine, *other) < 0);
    const bool other_first = !mine_first && (mine == ours.end() || ByPlace(*other, *mine) < 0);
    if (mine_first) {
      diff.only_ours.push_back(*mine++);
    } else if (other_first) {
      diff.only_theirs.push_back(*other++);
    } else {
      if (mine->hash != other->hash) diff.differing.push_back(*mine);
      ++mine;
      ++other;
    }
  }
  return diff;
}

}  // namespace henge
