#include "node/shard.h"

#include <algorithm>
#include <utility>

namespace henge {

Shard::Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
             StampStart stamps, size_t cache_bytes)
    : clock_(environment.clock),
      state_version_(ring->version()),
      replica_(std::make_unique<Replica>(options.self, environment, engine, ring, stamps, cache_bytes)),
      coordinator_(std::make_unique<Coordinator>(options, environment, *replica_, std::move(ring))) {}

Shard::~Shard() = default;

void Shard::HandleClient(ClientRequest request, Coordinator::ReplyFn reply) {
  coordinator_->Handle(std::move(request), Via::kClient, std::move(reply));
}

void Shard::Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) {
  if (control_ != nullptr && std::holds_alternative<ControlRequest>(request)) {
    control_->Handle(from, std::move(request), deadline, std::move(reply));
    return;
  }
  auto* forward = std::get_if<ForwardRequest>(&request);
  if (forward == nullptr) {
    replica_->HandlePeer(from, std::move(request), deadline, std::move(reply));
    return;
  }
  const Duration left = deadline - clock_.Now();
  if (left <= Duration{0}) {
    reply(absl::DeadlineExceededError("the request's deadline had passed when it came"));
    return;
  }
  ClientRequest& client = forward->request;
  client.budget = client.budget == Duration{0} ? left : std::min(client.budget, left);
  const Via via = forward->as_fallback ? Via::kAsFallback : Via::kForwarded;
  coordinator_->Handle(std::move(client), via, [reply = std::move(reply)](ClientReply answer) mutable {
    reply(PeerReply(ForwardReply{.reply = std::move(answer)}));
  });
}

void Shard::UpdateRing(RingPtr ring) {
  state_version_ = ring->version();
  replica_->UpdateRing(ring);
  coordinator_->UpdateRing(std::move(ring));
}

void Shard::UpdateLiveness(LivenessPtr liveness) { coordinator_->UpdateLiveness(std::move(liveness)); }

void Shard::Drain(Closure idle) { coordinator_->Drain(std::move(idle)); }

}  // namespace henge
