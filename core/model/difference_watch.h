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
#include <vector>

#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge {

// The differences to one peer, together.
struct DifferencesOf {
  struct OfPartition {
    PartitionId partition;
    uint32_t leaves = 0;
  };
  uint64_t leaves = 0;
  std::vector<OfPartition> partitions;  // ascending, each with a leaf at least
  // The oldest write that one of the two lacks was made before `seen`: then it was missed already. And not before
  // `missing_since`, when the leaves were compared last and found equal; none: for one of them nobody knows.
  std::optional<MonotonicTime> seen;
  std::optional<MonotonicTime> missing_since;
};

class DifferenceWatch {
 public:
  // `wait`: longer than a write takes from the first owner to the last.
  DifferenceWatch(Duration wait, size_t leaves_max) : wait_(wait), leaves_max_(leaves_max) {}

  // A leaf differs from that of `peer` as of `now`. True if it is to be scanned: it differed at least `wait` ago, and
  // was not equal since. `compared`: when the leaves of both were compared to the end before this time, if ever.
  bool Differs(MemberId peer, PartitionId partition, uint8_t segment, MonotonicTime now,
               std::optional<MonotonicTime> compared = std::nullopt);

  // The leaf is equal now, or was repaired: its next difference is a new one.
  void LeafIsEqual(MemberId peer, PartitionId partition, uint8_t segment);
  void PartitionIsEqual(MemberId peer, PartitionId partition);

  // Nothing of `peer` is known any more: it is gone, or no owner beside us.
  void Forget(MemberId peer);

  DifferencesOf Of(MemberId peer) const;
  size_t size() const { return since_.size(); }
  // Whether the next new difference finds no room.
  bool full() const { return since_.size() >= leaves_max_; }

 private:
  struct Leaf {
    MemberId peer;
    PartitionId partition;
    uint8_t segment = 0;
    auto operator<=>(const Leaf&) const = default;
  };
  struct Since {
    MonotonicTime seen;
    std::optional<MonotonicTime> compared;
  };

  Duration wait_;
  size_t leaves_max_;
  std::map<Leaf, Since> since_;
};

}  // namespace henge
