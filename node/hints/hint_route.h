// Where a hint has to go, by the ring of today (P18, P34). Pure.
#pragma once

#include <vector>

#include "core/model/ring.h"
#include "storage/hint_store.h"

namespace henge {

enum class HintFate : uint8_t {
  kDeliver,  // to all of `to`; it may go when all have it durably
  kDrop,     // its bucket was dropped for good
  kWait,     // its bucket is of a state that this node has yet to see, or nobody owns the partition
};

struct HintRoute {
  HintFate fate = HintFate::kWait;
  std::vector<MemberId> to;
  bool redirected = false;  // the target is no owner any more: all owners get it
};

HintRoute RouteOf(const Ring& ring, const HintKey& key);

}  // namespace henge
