#include "node/antientropy/shared_partitions.h"

#include <algorithm>
#include <string>

#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint64_t kLayoutSeed = 0x6c61796f75740000;  // "layout"
constexpr size_t kKnownMax = 256;

}  // namespace

bool SharedPartitions::Contains(PartitionId partition) const {
  return std::binary_search(partitions.begin(), partitions.end(), partition);
}

SharedPartitions SharedBy(const Ring& ring, MemberId a, MemberId b, uint32_t stride, uint32_t first) {
  SharedPartitions shared;
  std::string layout;
  ByteWriter out(&layout);
  for (uint32_t p = first; p < kPartitionCount; p += stride) {
    const PartitionId partition(static_cast<uint16_t>(p));
    if (!ring.IsOwner(partition, a) || !ring.IsOwner(partition, b)) continue;
    shared.partitions.push_back(partition);
    out.Fixed32(p);
    out.Fixed64(ring.Epoch(partition).value());
  }
  shared.digest = LayoutEpoch(Hash64(layout, kLayoutSeed));
  return shared;
}

std::shared_ptr<const SharedPartitions> SharedCache::With(MemberId peer, const RingPtr& ring, uint32_t stride,
                                                          uint32_t first) {
  if (ring_ != ring || known_.size() >= kKnownMax) {
    known_.clear();
    ring_ = ring;
  }
  std::shared_ptr<const SharedPartitions>& known = known_[{peer, stride, first}];
  if (known == nullptr) known = std::make_shared<const SharedPartitions>(SharedBy(*ring, self_, peer, stride, first));
  return known;
}

}  // namespace henge
