// The seam to the peers: message level, one per shard.
//
// A call may be refused, lost before it runs, run and lose its reply, run twice, or be answered late; calls to one peer
// keep no order. The member that a node itself is can't be called: a coordinator has its LocalReplica for that.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/time.h"
#include "core/runtime/messages.h"

namespace henge {

class Transport {
 public:
  using Callback = absl::AnyInvocable<void(absl::StatusOr<PeerReply>)>;

  virtual ~Transport() = default;

  // Sends `request` to the shard of `to` that owns the request's partition. `done` runs on this shard's loop, exactly
  // once, never inside Call:
  //   a reply, whose alternative matches the request's; or the status that the peer answered;
  //   UNAVAILABLE: no connection, or it broke (the request may have run);
  //   DEADLINE_EXCEEDED: no answer by `deadline` (up to a timer's grain later; the request may have run);
  //   RESOURCE_EXHAUSTED: the bounded queue to this peer is full (not sent): the replica's failure, not the client's
  //   (P39).
  // Loop only.
  virtual void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) = 0;
};

// Who serves the calls of the peers on one shard's loop.
class PeerHandler {
 public:
  using ReplyFn = absl::AnyInvocable<void(absl::StatusOr<PeerReply>)>;

  virtual ~PeerHandler() = default;

  // `reply` is called exactly once, on the loop, now or later. `deadline` is the caller's, on this node's clock.
  virtual void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) = 0;
};

}  // namespace henge
