#include "core/model/recovery.h"

#include <algorithm>

namespace henge {

void Recovery::Lost(PartitionId partition) { partitions_[partition] = {++losses_, {}}; }

std::vector<PartitionId> Recovery::Partitions() const {
  std::vector<PartitionId> all;
  all.reserve(partitions_.size());
  for (const auto& [partition, loss] : partitions_) all.push_back(partition);
  return all;
}

void Recovery::Ended(PartitionId partition, MemberId peer, Ticket ticket) {
  const auto found = partitions_.find(partition);
  if (found == partitions_.end() || ticket < found->second.noted) return;
  found->second.heard.insert(peer);
}

bool Recovery::Settle(PartitionId partition, const std::vector<MemberId>& live_others, bool has_others) {
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return true;
  const std::set<MemberId>& heard = found->second.heard;
  if (has_others && heard.empty()) return false;
  const bool all = std::all_of(live_others.begin(), live_others.end(), [&](MemberId id) { return heard.contains(id); });
  if (all) partitions_.erase(found);
  return all;
}

}  // namespace henge
