#include "core/model/difference_watch.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace henge {
namespace {

constexpr uint8_t kLastSegment = std::numeric_limits<uint8_t>::max();
constexpr PartitionId kLastPartition(std::numeric_limits<PartitionId::rep>::max());

}  // namespace

bool DifferenceWatch::Differs(MemberId peer, PartitionId partition, uint8_t segment, MonotonicTime now) {
  const Leaf leaf{peer, partition, segment};
  const auto found = since_.find(leaf);
  if (found != since_.end()) return now - found->second >= wait_;
  if (since_.size() < leaves_max_) since_.emplace(leaf, now);
  return false;
}

void DifferenceWatch::LeafIsEqual(MemberId peer, PartitionId partition, uint8_t segment) {
  since_.erase({peer, partition, segment});
}

void DifferenceWatch::PartitionIsEqual(MemberId peer, PartitionId partition) {
  since_.erase(since_.lower_bound({peer, partition, 0}), since_.upper_bound({peer, partition, kLastSegment}));
}

void DifferenceWatch::Forget(MemberId peer) {
  since_.erase(since_.lower_bound({peer, PartitionId(), 0}), since_.upper_bound({peer, kLastPartition, kLastSegment}));
}

size_t DifferenceWatch::CountOf(MemberId peer) const {
  const auto begin = since_.lower_bound({peer, PartitionId(), 0});
  const auto end = since_.upper_bound({peer, kLastPartition, kLastSegment});
  return static_cast<size_t>(std::distance(begin, end));
}

std::optional<MonotonicTime> DifferenceWatch::OldestOf(MemberId peer) const {
  const auto begin = since_.lower_bound({peer, PartitionId(), 0});
  const auto end = since_.upper_bound({peer, kLastPartition, kLastSegment});
  if (begin == end) return std::nullopt;
  return std::min_element(begin, end, [](const auto& a, const auto& b) { return a.second < b.second; })->second;
}

}  // namespace henge
