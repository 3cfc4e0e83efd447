// Where control messages of the peers reach the part of the node that they are for.
//
// Owned by the node; control loop only. Parts register before the loops run.
#pragma once

#include <map>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/runtime/transport.h"

namespace henge {

// Serves one kind of control message.
class ControlService {
 public:
  using ReplyFn = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  virtual ~ControlService() = default;

  // `reply` gets the body of the answer, exactly once, now or later, on the control loop.
  virtual void Serve(MemberId from, std::string body, MonotonicTime deadline, ReplyFn reply) = 0;
};

class ControlPlane : public PeerHandler {
 public:
  void Register(ControlKind kind, ControlService& service) { services_[kind] = &service; }

  // UNIMPLEMENTED for a kind that nobody registered for.
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override;

 private:
  std::map<ControlKind, ControlService*> services_;
};

}  // namespace henge
