#include "node/antientropy/anti_entropy.h"

#include <algorithm>
#include <utility>

#include "core/runtime/timer_await.h"

namespace henge {

AntiEntropy::AntiEntropy(AntiEntropyOptions options, AntiEntropyPlace place, ShardEnvironment environment,
                         StoreEngine& engine, Replica& replica, Recovery& recovery, RingPtr ring, WholeFn whole)
    : core_(options, place, environment, engine, replica, recovery, std::move(ring)),
      server_(place.self, environment, engine),
      whole_(std::move(whole)) {}

void AntiEntropy::Start() { core_.scope.Spawn(Run()); }

void AntiEntropy::Stop() {
  stopped_ = true;
  Wake();
}

void AntiEntropy::Wake() {
  // In a turn of its own: whoever calls this may be in the middle of something that a round reads.
  if (wake_.has_value()) core_.env.executor.Post([wake = *wake_]() mutable { wake.Set(true); });
}

void AntiEntropy::UpdateLiveness(LivenessPtr liveness) {
  for (const Member& member : core_.ring->state().members) {
    const bool back = core_.liveness->Of(member.id) == Liveness::kDead && liveness->Of(member.id) != Liveness::kDead;
    if (!back || !IsPeer(member.id)) continue;
    next_ = member.id;
    Wake();
  }
  core_.liveness = std::move(liveness);
}

void AntiEntropy::Serve(MemberId from, TreeRequest request, PeerHandler::ReplyFn reply) {
  server_.Serve(from, std::move(request), core_.ring, std::move(reply));
}

Duration AntiEntropy::Jittered(Duration duration) {
  const auto span = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 1));
  return duration / 2 + Duration(static_cast<int64_t>(core_.env.random.Next64() % span));
}

Task<void> AntiEntropy::Sleep(Duration duration) {
  wake_.emplace();
  CompleteAt late(core_.env.executor, *wake_, core_.env.clock.Now() + duration, false);
  co_await *wake_;
  wake_.reset();
}

Task<void> AntiEntropy::Run() {
  SettleRecovery();
  co_await Sleep(Jittered(core_.recovery.size() > 0 ? core_.options.interval_recovering : core_.options.interval));
  while (!stopped_) {
    bool look_again = false;
    if (const std::optional<MemberId> peer = NextPeer(); peer.has_value()) {
      const RoundEnd end = co_await RunRound(*peer);
      // Once: where many write, there is always something on its way.
      look_again = end.status.ok() && end.look_again && *peer != last_;
      if (look_again && !next_.has_value()) next_ = peer;
      last_ = *peer;
    }
    SettleRecovery();
    if (stopped_) break;
    Duration pause = look_again ? core_.options.confirm + core_.options.confirm / 4 : core_.options.interval;
    if (core_.recovery.size() > 0) pause = core_.options.interval_recovering;
    co_await Sleep(look_again ? pause : Jittered(pause));
  }
}

Task<RoundEnd> AntiEntropy::RunRound(MemberId peer) {
  auto round = std::make_shared<Round>(&core_, peer);
  RoundEnd end = co_await round->Run();
  ++core_.figures.rounds;
  if (end.status.ok()) {
    finished_[peer] = core_.env.clock.Now();
    if (end.equal) ++core_.figures.rounds_equal;
  } else {
    ++core_.figures.rounds_failed;
    core_.env.tracer.Event(Severity::kDebug, "ExchangeFailed",
                           {{"peer", uint64_t{peer.value()}}, {"why", end.status.ToString()}});
  }
  co_return end;
}

bool AntiEntropy::IsPeer(MemberId member) {
  if (member == core_.place.self) return false;
  return !core_.shared.With(member, core_.ring, core_.place.shards, core_.place.shard)->partitions.empty();
}

// In turn by member id, the dead left out; one that was asked for first.
std::optional<MemberId> AntiEntropy::NextPeer() {
  if (std::optional<MemberId> wanted = std::exchange(next_, std::nullopt); wanted.has_value() && IsPeer(*wanted)) {
    return wanted;
  }
  std::optional<MemberId> first;
  for (const Member& member : core_.ring->state().members) {  // ascending
    if (core_.liveness->Of(member.id) == Liveness::kDead || !IsPeer(member.id)) continue;
    if (member.id > last_) return member.id;
    if (!first.has_value()) first = member.id;
  }
  return first;
}

void AntiEntropy::SettleRecovery() {
  if (core_.recovery.size() == 0) return;
  std::vector<PartitionId> whole;
  for (PartitionId partition : core_.recovery.Partitions()) {
    const std::span<const MemberId> owners = core_.ring->Owners(partition);
    std::vector<MemberId> live;
    for (MemberId owner : owners) {
      const bool other = owner != core_.place.self;
      if (other && core_.liveness->Of(owner) != Liveness::kDead) live.push_back(owner);
    }
    // What this node owns no more, it answers no read of.
    const bool owned = core_.ring->IsOwner(partition, core_.place.self);
    if (!owned) live.clear();
    if (core_.recovery.Settle(partition, live, owned && owners.size() > 1)) whole.push_back(partition);
  }
  if (whole.empty()) return;
  core_.env.tracer.Event(Severity::kInfo, "PartitionsRecovered",
                         {{"partitions", uint64_t{whole.size()}}, {"left", uint64_t{core_.recovery.size()}}});
  whole_(std::move(whole));
}

AntiEntropyFigures AntiEntropy::figures() const {
  AntiEntropyFigures figures = core_.figures;
  figures.refused = server_.refused();
  figures.recovering = core_.recovery.size();
  return figures;
}

std::vector<PeerEntropy> AntiEntropy::PeerFigures() {
  const MonotonicTime now = core_.env.clock.Now();
  std::vector<PeerEntropy> peers;
  for (const Member& member : core_.ring->state().members) {
    if (!IsPeer(member.id)) continue;
    PeerEntropy peer{.peer = member.id, .leaves_differing = core_.watch.CountOf(member.id)};
    if (auto oldest = core_.watch.OldestOf(member.id); oldest.has_value()) peer.oldest = now - *oldest;
    if (auto at = finished_.find(member.id); at != finished_.end()) peer.finished = now - at->second;
    peers.push_back(peer);
  }
  return peers;
}

}  // namespace henge
