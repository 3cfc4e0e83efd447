// Leaves that were seen to differ from a peer's, until they are seen to do so again.
//
// A write on its way looks like a difference between two replicas for a moment; one that is still there some round
// trips later is real, and worth a scan. Also what the entropy figures count. A value owned by one loop; pure: the
// caller passes the time. Bounded: what finds no room is watched when there is some.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge {

class DifferenceWatch {
 public:
  // `wait`: longer than a write takes from the first owner to the last.
  DifferenceWatch(Duration wait, size_t leaves_max) : wait_(wait), leaves_max_(leaves_max) {}

  // A leaf differs from that of `peer` as of `now`. True if it is to be scanned: it differed at least `wait` ago, and
  // was not equal since.
  bool Differs(MemberId peer, PartitionId partition, uint8_t segment, MonotonicTime now);

  // The leaf is equal now, or was repaired: its next difference is a new one.
  void LeafIsEqual(MemberId peer, PartitionId partition, uint8_t segment);
  void PartitionIsEqual(MemberId peer, PartitionId partition);

  // Nothing of `peer` is known any more: it is gone, or no owner beside us.
  void Forget(MemberId peer);

  // The leaves known to differ from those of `peer`, and since when the oldest does; nullopt if none.
  size_t CountOf(MemberId peer) const;
  std::optional<MonotonicTime> OldestOf(MemberId peer) const;
  size_t size() const { return since_.size(); }

 private:
  struct Leaf {
    MemberId peer;
    PartitionId partition;
    uint8_t segment = 0;
    auto operator<=>(const Leaf&) const = default;
  };
  using Leaves = std::map<Leaf, MonotonicTime>;

  Duration wait_;
  size_t leaves_max_;
  Leaves since_;
};

}  // namespace henge
