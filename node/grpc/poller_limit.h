// Keeps gRPC from polling with more threads than one.
//
// gRPC polls the connections with at least two threads, of which one waits on the sockets while the other waits for its
// turn: at every event the role changes hands, which costs two futex calls and a context switch, more than the event
// itself. One thread is enough for callbacks that only decode and post. So this parks one of two in a callback. With
// more cores gRPC has more threads, and is left alone.
#pragma once

#include <memory>

namespace henge {

// Owned by the process's set-up code; releases the thread when it is destroyed, before gRPC is shut down. Any thread.
class PollerLimit {
 public:
  PollerLimit();
  ~PollerLimit();
  PollerLimit(const PollerLimit&) = delete;
  PollerLimit& operator=(const PollerLimit&) = delete;

 private:
  class Parking;
  std::shared_ptr<Parking> parking_;
};

}  // namespace henge
