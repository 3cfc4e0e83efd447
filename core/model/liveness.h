// What this node holds of its peers: who answers. An opinion for choosing whom to ask, never membership.
//
// Immutable once shared; loops pass it by LivenessPtr.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/model/ids.h"

namespace henge {

enum class Liveness : uint8_t {
  kAlive = 0,
  kSuspect = 1,  // did not answer; may yet refute
  kDead = 2,     // the suspicion ran out; stays a member, and is asked again for ever
};

class LivenessSnapshot {
 public:
  struct Entry {
    MemberId member;
    Liveness liveness = Liveness::kAlive;
    uint64_t incarnation = 0;
  };

  LivenessSnapshot() = default;
  explicit LivenessSnapshot(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.member < b.member; });
  }

  // An unknown member is alive: who has not been heard of yet is tried, not avoided.
  Liveness Of(MemberId member) const {
    auto at = std::lower_bound(entries_.begin(), entries_.end(), member,
                               [](const Entry& entry, MemberId id) { return entry.member < id; });
    return at != entries_.end() && at->member == member ? at->liveness : Liveness::kAlive;
  }
  // By member.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

using LivenessPtr = std::shared_ptr<const LivenessSnapshot>;

}  // namespace henge
