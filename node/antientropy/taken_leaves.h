// Leaves whose records a peer has just asked for: it repairs them, so that this node needn't.
//
// Both sides of a pair find the same differences at about the same time; without this each would send all of them. A
// leaf is the peer's for a moment only, and then for a while not again, so that one that can't repair it never keeps
// the other from doing so. A value of one loop; pure: the caller passes the time. Bounded.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "core/model/ids.h"
#include "core/model/merkle.h"
#include "core/model/time.h"

namespace henge {

class TakenLeaves {
 public:
  TakenLeaves(Duration hold, size_t leaves_max) : hold_(hold), leaves_max_(leaves_max) {}

  void Take(MemberId peer, LeafId leaf, MonotonicTime now) {
    if (taken_.size() >= leaves_max_) DropOld(now);
    if (taken_.size() >= leaves_max_) return;
    const auto [at, first] = taken_.try_emplace({peer, leaf}, now);
    if (!first && now - at->second >= kRest * hold_) at->second = now;
  }

  // Forgets those that may be taken again.
  void DropOld(MonotonicTime now) {
    std::erase_if(taken_, [&](const auto& one) { return now - one.second >= kRest * hold_; });
  }

  bool IsTaken(MemberId peer, LeafId leaf, MonotonicTime now) const {
    const auto at = taken_.find({peer, leaf});
    return at != taken_.end() && now - at->second < hold_;
  }

 private:
  static constexpr int kRest = 4;

  Duration hold_;
  size_t leaves_max_;
  std::map<std::pair<MemberId, LeafId>, MonotonicTime> taken_;
};

}  // namespace henge
