// Which partitions a replica may have lost data of, and what is missing until its answers count again (P15).
//
// Until then it takes writes, which count; what it reads counts neither for R nor for a vote. A partition is whole
// again once an exchange with every other live owner, begun after the loss was noted, has ended. A value owned by one
// loop; pure: that it is written down durably before it matters is its owner's part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "core/model/ids.h"

namespace henge {

class Recovery {
 public:
  // An exchange that began after the loss. An older one proves nothing: it may have compared what was lost since.
  using Ticket = uint64_t;

  // Data of `partition` may be lost as of now. Exchanges that are under way don't count.
  void Lost(PartitionId partition);

  bool IsRecovering(PartitionId partition) const { return partitions_.contains(partition); }
  size_t size() const { return partitions_.size(); }
  std::vector<PartitionId> Partitions() const;

  // To be called as an exchange begins, and with the same ticket when it has ended with every difference repaired here
  // and durable (P11). One that was broken off is just not ended.
  Ticket Begin() const { return losses_; }
  void Ended(PartitionId partition, MemberId peer, Ticket ticket);

  // Whether `partition` is whole: every one of `live_others`, the live owners but this node, has ended an exchange. An
  // owner that is down is not waited for, but one at least has to be heard while there are others: with all of them
  // down, nobody can say what was lost. Forgets the loss if so; the caller writes that down.
  bool Settle(PartitionId partition, const std::vector<MemberId>& live_others, bool has_others);

 private:
  struct Loss {
    Ticket noted = 0;
    std::set<MemberId> heard;
  };
  Ticket losses_ = 0;
  std::map<PartitionId, Loss> partitions_;
};

}  // namespace henge
