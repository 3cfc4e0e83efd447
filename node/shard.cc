#include "node/shard.h"

#include <algorithm>
#include <utility>

namespace henge {

Shard::Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
             StampStart stamps, size_t cache_bytes, EntropyStart entropy)
    : clock_(environment.clock),
      state_version_(ring->version()),
      shards_(entropy.shards),
      shard_(entropy.shard),
      lost_(std::move(entropy.lost)),
      replica_(std::make_unique<Replica>(options.self, environment, engine, ring, stamps, cache_bytes)),
      anti_entropy_(std::make_unique<AntiEntropy>(entropy.options, AntiEntropyPlace{options.self, shards_, shard_},
                                                  environment, engine, *replica_, recovery_, ring,
                                                  std::move(entropy.whole))),
      scrub_(
          std::make_unique<Scrub>(entropy.scrub, AntiEntropyPlace{options.self, shards_, shard_}, environment, engine)),
      coordinator_(std::make_unique<Coordinator>(options, environment, *replica_, std::move(ring))) {
  for (PartitionId partition : entropy.recovering) {
    if (partition.value() % shards_ == shard_) recovery_.Lost(partition);
  }
  replica_->HeedRecovery(&recovery_);
}

Shard::~Shard() = default;

void Shard::StartAntiEntropy() {
  anti_entropy_->Start();
  scrub_->Start();
}

void Shard::MarkRecovering(const std::vector<PartitionId>& partitions) {
  std::vector<PartitionId> mine;
  for (PartitionId partition : partitions) {
    if (partition.value() % shards_ == shard_) mine.push_back(partition);
  }
  for (PartitionId partition : mine) recovery_.Lost(partition);
  if (mine.empty()) return;
  lost_(std::move(mine));
  anti_entropy_->Wake();
}

void Shard::HandleClient(ClientRequest request, Coordinator::ReplyFn reply) {
  coordinator_->Handle(std::move(request), Via::kClient, std::move(reply));
}

void Shard::Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) {
  if (control_ != nullptr && std::holds_alternative<ControlRequest>(request)) {
    control_->Handle(from, std::move(request), deadline, std::move(reply));
    return;
  }
  if (auto* tree = std::get_if<TreeRequest>(&request)) {
    anti_entropy_->Serve(from, std::move(*tree), std::move(reply));
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
  anti_entropy_->UpdateRing(ring);
  coordinator_->UpdateRing(std::move(ring));
}

void Shard::UpdateLiveness(LivenessPtr liveness) {
  anti_entropy_->UpdateLiveness(liveness);
  coordinator_->UpdateLiveness(std::move(liveness));
}

void Shard::Drain(Closure idle) {
  anti_entropy_->Stop();
  scrub_->Stop();
  coordinator_->Drain(std::move(idle));
}

}  // namespace henge
