// How work that spans partitions reaches any replica of any of them, the local one included.
#pragma once

#include "core/runtime/transport.h"

namespace henge {

class ReplicaCaller {
 public:
  virtual ~ReplicaCaller() = default;

  // Asks `member`, which may be this node. As Transport::Call, but `done` runs on the control loop. Control loop only.
  virtual void Call(MemberId member, PeerRequest request, MonotonicTime deadline, Transport::Callback done) = 0;
};

}  // namespace henge
