#include "node/control_plane.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace henge {

void ControlPlane::Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) {
  auto& control = std::get<ControlRequest>(request);
  auto service = services_.find(control.kind);
  if (service == services_.end()) {
    reply(absl::UnimplementedError(
        absl::StrCat("this node serves no control message of kind ", static_cast<int>(control.kind))));
    return;
  }
  service->second->Serve(from, std::move(control.body), deadline,
                         [reply = std::move(reply)](absl::StatusOr<std::string> body) mutable {
                           if (body.ok()) {
                             reply(PeerReply(ControlReply{*std::move(body)}));
                           } else {
                             reply(std::move(body).status());
                           }
                         });
}

}  // namespace henge
