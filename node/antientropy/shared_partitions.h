// Which partitions two members compare: those that both own, of one shard of the one who asks.
//
// Pure. Only owners compare: what a fallback holds is no replica (H31). The digest stands for the list and the layout
// epochs in it, so that two nodes of different cluster states compare nothing rather than different things (H27).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "core/model/ids.h"
#include "core/model/ring.h"

namespace henge {

struct SharedPartitions {
  std::vector<PartitionId> partitions;  // ascending
  LayoutEpoch digest;

  bool Contains(PartitionId partition) const;
};

// Those partitions of `ring` that are `first` modulo `stride` and owned by both `a` and `b`.
SharedPartitions SharedBy(const Ring& ring, MemberId a, MemberId b, uint32_t stride, uint32_t first);

// The same, remembered until the ring changes. A value of one loop; bounded.
class SharedCache {
 public:
  explicit SharedCache(MemberId self) : self_(self) {}

  std::shared_ptr<const SharedPartitions> With(MemberId peer, const RingPtr& ring, uint32_t stride, uint32_t first);

 private:
  using Key = std::tuple<MemberId, uint32_t, uint32_t>;

  MemberId self_;
  RingPtr ring_;
  std::map<Key, std::shared_ptr<const SharedPartitions>> known_;
};

}  // namespace henge
