#include "node/antientropy/anti_entropy.h"

#include <algorithm>
#include <utility>

#include "core/runtime/timer_await.h"

namespace henge {

AntiEntropy::AntiEntropy(AntiEntropyOptions options, AntiEntropyPlace place, ShardEnvironment environment,
                         StoreEngine& engine, Replica& replica, Recovery& recovery, RingPtr ring, WholeFn whole)
    : core_(options, place, environment, engine, replica, recovery, std::move(ring)),
      server_(place.self, environment, engine, core_.taken),
      whole_(std::move(whole)) {}

void AntiEntropy::Start() { core_.scope.Spawn(Run()); }

void AntiEntropy::Stop() {
  stopped_ = true;
  Wake();
}

void AntiEntropy::Wake() {
  hasty_rounds_ = static_cast<int>(core_.ring->state().members.size());
  // In a turn of its own: whoever calls this may be in the middle of something that a round reads.
  if (wake_.has_value()) core_.env.executor.Post([wake = *wake_]() mutable { wake.Set(true); });
}

void AntiEntropy::UpdateRing(RingPtr ring) {
  core_.ring = std::move(ring);
  std::erase_if(peers_, [this](const auto& one) {
    const bool gone = !IsPeer(one.first) && one.first != under_way_;
    if (gone) core_.watch.Forget(one.first);
    return gone;
  });
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
  hasty_rounds_ = static_cast<int>(core_.ring->state().members.size());
  co_await Sleep(Jittered(core_.recovery.size() > 0 ? core_.options.interval_recovering : core_.options.interval));
  while (!stopped_) {
    bool look_again = false;
    std::optional<RoundEnd> end;
    if (const std::optional<MemberId> peer = NextPeer(); peer.has_value()) {
      end = co_await RunRound(*peer);
      // Once: where many write, there is always something on its way.
      look_again = end->status.ok() && end->look_again && *peer != last_;
      if (look_again && !next_.has_value()) next_ = peer;
      last_ = *peer;
    }
    SettleRecovery();
    if (stopped_) break;
    co_await Sleep(PauseAfter(end, look_again));
  }
}

Duration AntiEntropy::PauseAfter(const std::optional<RoundEnd>& end, bool look_again) {
  if (core_.recovery.size() > 0) {
    // Each peer once at once: reads wait for it.
    const bool hasty = end.has_value() && end->status.ok() && hasty_rounds_ > 0;
    if (hasty) --hasty_rounds_;
    return hasty ? Duration(0) : Jittered(core_.options.interval_recovering);
  }
  if (look_again) return core_.options.confirm + core_.options.confirm / 4;
  return Jittered(core_.options.interval);
}

Task<RoundEnd> AntiEntropy::RunRound(MemberId peer) {
  const MonotonicTime began = core_.env.clock.Now();
  const LayoutEpoch layout = core_.shared.With(peer, core_.ring, core_.place.shards, core_.place.shard)->digest;
  const PeerRounds& before = peers_[peer];
  auto round = std::make_shared<Round>(&core_, peer, before.layout == layout ? before.compared : std::nullopt);
  under_way_ = peer;
  RoundEnd end = co_await round->Run();
  under_way_.reset();
  Note(peer, end, began, layout);
  co_return end;
}

void AntiEntropy::Note(MemberId peer, const RoundEnd& end, MonotonicTime began, LayoutEpoch layout) {
  ++core_.figures.rounds;
  PeerRounds& rounds = peers_[peer];
  rounds.failed = !end.status.ok();
  if (end.status.ok()) {
    rounds.finished = core_.env.clock.Now();
    rounds.told = absl::StatusCode::kOk;
    if (end.all_noted) {
      rounds.compared = began;
      rounds.layout = layout;
    }
    if (end.equal) ++core_.figures.rounds_equal;
    return;
  }
  ++core_.figures.rounds_failed;
  const bool refused = absl::IsFailedPrecondition(end.status);
  if (refused) ++core_.figures.rounds_refused;
  // What the peer refuses, or answers wrongly, it does so in every round: told once.
  const bool wrong = refused || absl::IsInternal(end.status) || absl::IsInvalidArgument(end.status);
  const bool news = wrong && std::exchange(rounds.told, end.status.code()) != end.status.code();
  core_.env.tracer.Event(news ? Severity::kWarning : Severity::kDebug,
                         refused && news ? "ExchangeRefused" : "ExchangeFailed",
                         {{"peer", uint64_t{peer.value()}}, {"why", end.status.ToString()}});
}

void AntiEntropy::Mend(LeafId leaf, absl::AnyInvocable<void(bool)> done) {
  core_.scope.Spawn(RunMend(leaf, std::move(done)));
}

Task<void> AntiEntropy::RunMend(LeafId leaf, absl::AnyInvocable<void(bool)> done) {
  const std::span<const MemberId> now = core_.ring->Owners(leaf.partition);
  const std::vector<MemberId> owners(now.begin(), now.end());
  bool whole = owners.size() > 1;
  for (MemberId owner : owners) {
    if (owner == core_.place.self || stopped_) continue;
    auto round = std::make_shared<Round>(&core_, owner);
    const bool mended = co_await round->Mend(leaf);
    whole = whole && mended;
  }
  core_.env.tracer.Event(Severity::kWarning, whole ? "LeafMended" : "LeafNotMended",
                         {{"partition", uint64_t{leaf.partition.value()}}, {"segment", uint64_t{leaf.segment}}});
  done(whole && !stopped_);
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

// The turn of the next peer comes after a pause, and that of each live one once before it comes again.
std::optional<Duration> AntiEntropy::TimeToConverge(MemberId peer, uint64_t leaves) {
  if (leaves == 0) return Duration(0);
  if (peers_[peer].failed || core_.liveness->Of(peer) == Liveness::kDead) return std::nullopt;
  std::optional<Duration> time = core_.pace.TimeFor(leaves);
  if (!time.has_value() || under_way_ == peer) return time;
  for (const Member& member : core_.ring->state().members) {
    if (core_.liveness->Of(member.id) != Liveness::kDead && IsPeer(member.id)) *time += core_.options.interval;
  }
  return time;
}

std::vector<PeerEntropy> AntiEntropy::PeerFigures() {
  const MonotonicTime now = core_.env.clock.Now();
  std::vector<PeerEntropy> peers;
  for (const Member& member : core_.ring->state().members) {
    if (!IsPeer(member.id)) continue;
    DifferencesOf differences = core_.watch.Of(member.id);
    PeerEntropy peer{.peer = member.id, .leaves_differing = differences.leaves};
    peer.partitions = std::move(differences.partitions);
    if (differences.seen.has_value()) peer.oldest_min = now - *differences.seen;
    if (differences.missing_since.has_value()) peer.oldest_max = now - *differences.missing_since;
    if (const auto& finished = peers_[member.id].finished; finished.has_value()) peer.finished = now - *finished;
    peer.convergence = TimeToConverge(member.id, peer.leaves_differing);
    peers.push_back(std::move(peer));
  }
  return peers;
}

}  // namespace henge
