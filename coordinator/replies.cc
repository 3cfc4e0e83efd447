#include "coordinator/replies.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace henge {

ClientReply MakeReply(const CoordinatorCore& core, absl::Status status, Outcome outcome) {
  ClientReply reply;
  reply.status = std::move(status);
  reply.outcome = outcome;
  reply.facts.state_version = core.ring->version();
  reply.facts.coordinator = core.options.self;
  reply.facts.fallback_available =
      core.hints != nullptr && core.ring->state().members.size() > core.ring->state().replicas;
  return reply;
}

absl::Status QuorumError(bool timed_out, const std::string& text) {
  if (timed_out) return absl::DeadlineExceededError(absl::StrCat("the time ran out: ", text));
  return absl::UnavailableError(absl::StrCat("the quorum is out of reach: ", text));
}

}  // namespace henge
