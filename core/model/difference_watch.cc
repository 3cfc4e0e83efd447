#include "core/model/difference_watch.h"

#include <algorithm>
#include <limits>

namespace henge {
namespace {

constexpr uint8_t kLastSegment = std::numeric_limits<uint8_t>::max();
constexpr PartitionId kLastPartition(std::numeric_limits<PartitionId::rep>::max());

}  // namespace

bool DifferenceWatch::Differs(MemberId peer, PartitionId partition, uint8_t segment, MonotonicTime now,
                              std::optional<MonotonicTime> compared) {
  const Leaf leaf{peer, partition, segment};
  const auto found = since_.find(leaf);
  if (found != since_.end()) return now - found->second.seen >= wait_;
  if (!full()) since_.emplace(leaf, Since{now, compared});
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

DifferencesOf DifferenceWatch::Of(MemberId peer) const {
  DifferencesOf all;
  bool every_one_was_compared = true;
  const auto end = since_.upper_bound({peer, kLastPartition, kLastSegment});
  for (auto at = since_.lower_bound({peer, PartitionId(), 0}); at != end; ++at) {
    const auto& [leaf, since] = *at;
    ++all.leaves;
    if (all.partitions.empty() || all.partitions.back().partition != leaf.partition) {
      all.partitions.push_back({leaf.partition, 0});
    }
    ++all.partitions.back().leaves;
    all.seen = std::min(all.seen.value_or(since.seen), since.seen);
    every_one_was_compared = every_one_was_compared && since.compared.has_value();
    if (since.compared.has_value()) {
      all.missing_since = std::min(all.missing_since.value_or(*since.compared), *since.compared);
    }
  }
  if (!every_one_was_compared) all.missing_since.reset();
  return all;
}

}  // namespace henge
