#include "node/hints/leaf_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"
#include "node/hints/leaf_message.h"

namespace henge {

LeafService::LeafService(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring)
    : self_(self), env_(environment), engine_(engine), ring_(std::move(ring)) {}

void LeafService::Serve(MemberId from, std::string body, MonotonicTime, ReplyFn reply) {
  absl::StatusOr<std::string> answer = Answer(body);
  if (!answer.ok()) {
    ++refused_;
    const std::string why = answer.status().ToString();
    if (said_.MaySay(absl::StrCat(from.value(), "/", why), env_.clock.Now())) {
      env_.tracer.Event(Severity::kWarning, "LeavesRefused", {{"peer", uint64_t{from.value()}}, {"why", why}});
    }
  }
  reply(std::move(answer));
}

absl::StatusOr<std::string> LeafService::Answer(const std::string& body) const {
  HENGE_ASSIGN_OR_RETURN(const LeafAsk ask, LeafAsk::Decode(body));
  TreeParameters ours;
  ours.cluster = ring_->cluster();
  ours.epoch = ring_->Epoch(ask.partition);
  HENGE_RETURN_IF_ERROR(CheckComparable(ours, ask.parameters));
  if (!ring_->IsOwner(ask.partition, self_)) {
    return absl::FailedPreconditionError(
        absl::StrCat("this node does not own partition ", ask.partition.value(), ": its leaves say nothing"));
  }
  return LeafAnswer{HashesOf(engine_.ReadTree(ask.partition), ask.segments)}.Encode();
}

}  // namespace henge
