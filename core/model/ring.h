// The ring: an immutable snapshot of a cluster state, made for look-ups. Shared between loops by shared_ptr<const
// Ring>.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/model/cluster_state.h"
#include "core/model/ids.h"

namespace henge {

class Ring {
 public:
  explicit Ring(ClusterState state);

  const ClusterState& state() const { return state_; }
  ClusterId cluster() const { return state_.cluster; }
  StateVersion version() const { return state_.version; }
  uint64_t digest() const { return digest_; }

  // The preference list: distinct members, min(N, members) of them, the same on every node of one version. Empty for a
  // partition that the ring doesn't have.
  std::span<const MemberId> Owners(PartitionId partition) const;
  bool IsOwner(PartitionId partition, MemberId member) const;
  LayoutEpoch Epoch(PartitionId partition) const;
  // How concurrent versions of a key in `bucket` are merged. Of a bucket that isn't there: all are kept.
  ConflictPolicy ConflictOf(BucketId bucket) const;
  // The members beyond the owners in the ring's order from this arc, other zones first: who stands in for an owner.
  std::vector<MemberId> Fallbacks(PartitionId partition) const;

 private:
  ClusterState state_;
  uint64_t digest_;
  // The preference lists one behind the other, and where each begins: a request reads one place, not two.
  std::vector<MemberId> owners_;
  std::vector<uint32_t> owners_begin_;  // one more than there are lists
  std::vector<uint16_t> next_list_;     // for each partition, the first one after it (wrapping) whose list differs
};

using RingPtr = std::shared_ptr<const Ring>;

}  // namespace henge
