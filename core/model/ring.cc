#include "core/model/ring.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

namespace henge {
namespace {

// For each list, the index of the first one after it, wrapping, that differs; its own index if none does.
std::vector<uint16_t> NextLists(const std::vector<std::vector<MemberId>>& lists) {
  const size_t count = lists.size();
  std::vector<uint16_t> next(count);
  if (count == 0) return next;
  // Two rounds backwards: the first one finds what follows the last list.
  size_t after = 0;
  bool found = false;
  for (size_t step = 2 * count; step-- > 0;) {
    const size_t i = step % count;
    const size_t neighbour = (i + 1) % count;
    if (lists[i] != lists[neighbour]) {
      after = neighbour;
      found = true;
    }
    next[i] = static_cast<uint16_t>(found ? after : i);
  }
  return next;
}

}  // namespace

Ring::Ring(ClusterState state)
    : state_(std::move(state)), digest_(state_.Digest()), next_list_(NextLists(state_.owners)) {
  owners_begin_.reserve(state_.owners.size() + 1);
  for (const std::vector<MemberId>& list : state_.owners) {
    owners_begin_.push_back(static_cast<uint32_t>(owners_.size()));
    owners_.insert(owners_.end(), list.begin(), list.end());
  }
  owners_begin_.push_back(static_cast<uint32_t>(owners_.size()));
}

std::span<const MemberId> Ring::Owners(PartitionId partition) const {
  const size_t at = partition.value();
  if (at + 1 >= owners_begin_.size()) return {};
  return std::span(owners_).subspan(owners_begin_[at], owners_begin_[at + 1] - owners_begin_[at]);
}

bool Ring::IsOwner(PartitionId partition, MemberId member) const {
  const std::span<const MemberId> owners = Owners(partition);
  return std::find(owners.begin(), owners.end(), member) != owners.end();
}

LayoutEpoch Ring::Epoch(PartitionId partition) const {
  if (partition.value() >= state_.epochs.size()) return LayoutEpoch(0);
  return state_.epochs[partition.value()];
}

ConflictPolicy Ring::ConflictOf(BucketId bucket) const {
  const Bucket* found = state_.FindBucket(bucket);
  return found == nullptr ? ConflictPolicy::kSiblings : found->conflict;
}

std::vector<MemberId> Ring::Fallbacks(PartitionId partition) const {
  const std::span<const MemberId> owners = Owners(partition);
  if (owners.empty()) return {};
  absl::flat_hash_set<MemberId> seen(owners.begin(), owners.end());
  std::vector<MemberId> fallbacks;
  const size_t wanted = state_.members.size() - std::min(state_.members.size(), owners.size());
  fallbacks.reserve(wanted);
  // The owners of the arcs that follow, until all are found or the ring is closed.
  const uint16_t start = partition.value();
  size_t walked = 0;
  for (uint16_t at = next_list_[start]; fallbacks.size() < wanted; at = next_list_[at]) {
    for (MemberId member : state_.owners[at]) {
      if (seen.insert(member).second) fallbacks.push_back(member);
    }
    const uint16_t next = next_list_[at];
    walked += static_cast<size_t>(next > at ? next - at : next + state_.owners.size() - at);
    if (next == at || walked > state_.owners.size()) break;
  }
  for (const Member& member : state_.members) {
    if (seen.insert(member.id).second) fallbacks.push_back(member.id);
  }
  absl::InlinedVector<std::string_view, 4> owner_zones;
  for (MemberId owner : owners) {
    const Member* member = state_.FindMember(owner);
    if (member != nullptr && !member->zone.empty()) owner_zones.push_back(member->zone);
  }
  std::stable_partition(fallbacks.begin(), fallbacks.end(), [&](MemberId id) {
    const Member* member = state_.FindMember(id);
    return member == nullptr || std::find(owner_zones.begin(), owner_zones.end(), member->zone) == owner_zones.end();
  });
  return fallbacks;
}

}  // namespace henge
