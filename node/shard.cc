#include "node/shard.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge {
namespace {

std::unique_ptr<HintKeeper> MakeKeeper(MemberId self, ShardEnvironment environment, StoreEngine& engine, int shard,
                                       const ShardHints& hints, Replica& replica, const RingPtr& ring) {
  if (hints.store == nullptr) return nullptr;
  const HintKeeperOptions options{
      .self = self, .store = engine.store_id(), .shard = shard, .shards = hints.shards, .bytes_max = hints.bytes_max};
  return std::make_unique<HintKeeper>(options, environment, *hints.store, replica.stamps(), ring);
}

bool IsForHints(const PeerRequest& request) {
  if (std::holds_alternative<HintRequest>(request)) return true;
  const auto* read = std::get_if<ReadRequest>(&request);
  return read != nullptr && read->from_hints;
}

}  // namespace

Shard::Shard(CoordinatorOptions options, ShardEnvironment environment, StoreEngine& engine, RingPtr ring,
             StampStart stamps, size_t cache_bytes, ShardHints hints, EntropyStart entropy)
    : clock_(environment.clock),
      tracer_(environment.tracer),
      ring_(ring),
      background_(hints.budget),
      shards_(entropy.shards),
      shard_(entropy.shard),
      lost_(std::move(entropy.lost)),
      replica_(std::make_unique<Replica>(options.self, environment, engine, ring, stamps, cache_bytes)),
      keeper_(MakeKeeper(options.self, environment, engine, stamps.shard, hints, *replica_, ring)),
      anti_entropy_(std::make_unique<AntiEntropy>(entropy.options, AntiEntropyPlace{options.self, shards_, shard_},
                                                  environment, engine, *replica_, recovery_, ring,
                                                  std::move(entropy.whole))),
      scrub_(std::make_unique<Scrub>(
          entropy.scrub, AntiEntropyPlace{options.self, shards_, shard_}, environment, engine,
          [this](LeafId leaf, absl::AnyInvocable<void(bool)> done) { anti_entropy_->Mend(leaf, std::move(done)); })),
      coordinator_(std::make_unique<Coordinator>(options, environment, *replica_, ring, keeper_.get())) {
  for (PartitionId partition : entropy.recovering) {
    if (partition.value() % shards_ == shard_) recovery_.Lost(partition);
  }
  replica_->HeedRecovery(&recovery_);
  if (keeper_ == nullptr) return;
  HintDeliveryOptions delivery;
  delivery.self = options.self;
  delivery_ = std::make_unique<HintDelivery>(delivery, environment, *keeper_, *replica_, background_, ring);
  HintMarksOptions marks;
  marks.self = options.self;
  marks.bytes_max = hints.bytes_max;
  marks_ = std::make_unique<HintMarks>(marks, environment, keeper_->shelf(), *replica_, engine, background_,
                                       std::move(ring));
  keeper_->OnKept([this](MemberId target) {
    delivery_->Consider(target);
    marks_->Consider();
  });
  keeper_->OnFull([this] { marks_->Relieve(); });
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
  if (background_.taken() && background_.WantsSamples(clock_.Now())) reply = Sampled(std::move(reply));
  coordinator_->Handle(std::move(request), Via::kClient, std::move(reply));
}

// Shows the budget of the background work how long clients wait.
Coordinator::ReplyFn Shard::Sampled(Coordinator::ReplyFn reply) {
  return [this, start = clock_.Now(), reply = std::move(reply)](ClientReply answer) mutable {
    const MonotonicTime now = clock_.Now();
    background_.ObserveForeground(now - start, now);
    const bool yielded = std::exchange(background_yields_, background_.yielding());
    if (!yielded && background_yields_) {
      tracer_.Event(Severity::kDebug, "BackgroundYields",
                    {{"bytes_per_second", static_cast<uint64_t>(background_.rate())}});
    }
    reply(std::move(answer));
  };
}

absl::Status Shard::CheckMember(MemberId from) {
  if (ring_->state().FindMember(from) != nullptr) return absl::OkStatus();
  if (!std::exchange(stranger_said_, true)) {
    tracer_.Event(Severity::kWarning, "StrangerRefused", {{"member", uint64_t{from.value()}}});
  }
  return absl::PermissionDeniedError(
      absl::StrCat("member ", from.value(), " is not in this cluster: nothing of it is taken or told"));
}

void Shard::Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) {
  if (control_ != nullptr && std::holds_alternative<ControlRequest>(request)) {
    control_->Handle(from, std::move(request), deadline, std::move(reply));
    return;
  }
  if (absl::Status known = CheckMember(from); !known.ok()) return reply(std::move(known));
  if (auto* tree = std::get_if<TreeRequest>(&request)) {
    anti_entropy_->Serve(from, std::move(*tree), std::move(reply));
    return;
  }
  if (IsForHints(request)) {
    if (keeper_ == nullptr) {
      reply(absl::UnimplementedError("this node keeps no hints"));
    } else {
      keeper_->HandlePeer(from, std::move(request), deadline, std::move(reply));
    }
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
  ring_ = ring;
  stranger_said_ = false;
  replica_->UpdateRing(ring);
  if (keeper_ != nullptr) {
    keeper_->UpdateRing(ring);
    delivery_->UpdateRing(ring);
    marks_->UpdateRing(ring);
  }
  anti_entropy_->UpdateRing(ring);
  coordinator_->UpdateRing(std::move(ring));
}

void Shard::UpdateLiveness(LivenessPtr liveness) {
  if (delivery_ != nullptr) {
    delivery_->UpdateLiveness(liveness);
    marks_->UpdateLiveness(liveness);
  }
  anti_entropy_->UpdateLiveness(liveness);
  coordinator_->UpdateLiveness(std::move(liveness));
}

void Shard::Drain(Closure idle) {
  anti_entropy_->Stop();
  scrub_->Stop();
  if (delivery_ != nullptr) {
    delivery_->Stop();
    marks_->Stop();
  }
  coordinator_->Drain(std::move(idle));
}

HintFigures Shard::hint_figures() const {
  if (keeper_ == nullptr) return {};
  HintFigures figures = keeper_->figures();
  delivery_->AddTo(&figures);
  marks_->AddTo(&figures);
  return figures;
}

}  // namespace henge
