#include "node/state/state_keeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/runtime/timer_await.h"
#include "node/fence.h"

namespace henge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kFetchTime = seconds(2);
constexpr Duration kPauseFirst = milliseconds(100);
// Between looks at the peers while something is open, and while nothing is.
constexpr Duration kPauseOpen = seconds(2);
constexpr Duration kPauseSettled = seconds(15);
// Each member leaves those before it this long to bind all of them.
constexpr Duration kBindingHeadStart = seconds(1);
constexpr Duration kBindingTime = seconds(10);

// Takes an answer and passes its bytes on.
template <class Answer, class Reply>
auto Encoding(Reply reply) {
  return [reply = std::move(reply)](absl::StatusOr<Answer> answer) mutable {
    if (answer.ok()) {
      reply(answer->Encode());
    } else {
      reply(std::move(answer).status());
    }
  };
}

}  // namespace

StateKeeper::StateKeeper(MemberId self, const ShardEnvironment& home, StoreEngine& engine, StoredState start,
                         StateKeeperHooks hooks)
    : self_(self),
      home_(home),
      hooks_(std::move(hooks)),
      holder_(self, engine, home.executor, home.tracer, std::make_shared<const Ring>(std::move(start.state)),
              [this](const RingPtr& before, const RingPtr& now) { OnAdopted(before, now); }),
      peers_(holder_, home.clock, home.transport),
      voter_(holder_, engine, home.executor, std::move(start.acceptor)),
      proposer_(self, holder_, peers_, voter_, home.clock, home.executor, home.random),
      recovery_voter_(self, holder_, voter_, engine, home, std::move(start.recovery), hooks_.recovery),
      recovery_(self, holder_, recovery_voter_, home) {}

void StateKeeper::Begin() {
  if (ring()->state().members.size() > 1) tasks_.Spawn(KeepUp());
}

absl::StatusOr<StateCall> StateKeeper::Open(MemberId from, std::string_view body) {
  absl::StatusOr<StateCall> call = StateCall::Decode(body);
  if (!call.ok()) return call;
  if (absl::Status known = CheckPeerCluster(ring()->state(), call->sender.cluster, from); !known.ok()) {
    home_.tracer.Event(Severity::kWarning, "ForeignStateRefused",
                       {{"member", uint64_t{from.value()}}, {"cluster", call->sender.cluster.value()}});
    OnForeignCluster(call->sender.cluster);
    return known;
  }
  return call;
}

void StateKeeper::RecoveryService::Serve(MemberId from, std::string body, MonotonicTime, ReplyFn reply) {
  absl::StatusOr<StateCall> call = keeper_.Open(from, body);
  if (!call.ok()) return reply(call.status());
  const StateSender sender = call->sender;
  keeper_.recovery_voter_.Vote(from, *std::move(call), Encoding<SurvivorAnswer>(std::move(reply)));
  keeper_.OnPeerState(from, sender.version, sender.digest);
}

void StateKeeper::Serve(MemberId from, std::string body, MonotonicTime, ReplyFn reply) {
  absl::StatusOr<StateCall> call = Open(from, body);
  if (!call.ok()) return reply(call.status());
  const StateSender sender = call->sender;
  auto encoded = Encoding<StateAnswer>(std::move(reply));
  if (call->ask == StateAsk::kPrepare || call->ask == StateAsk::kAccept) {
    voter_.Vote(from, *std::move(call), std::move(encoded));
  } else if (call->ask == StateAsk::kLearn) {
    holder_.Learn(std::move(call->value), [this, encoded = std::move(encoded)](absl::Status status) mutable {
      if (!status.ok()) return encoded(std::move(status));
      encoded(StateAnswer{.verdict = StateVerdict::kNothing, .sender = holder_.Sender()});
    });
  } else {
    StateAnswer answer{.verdict = StateVerdict::kNothing, .sender = holder_.Sender()};
    if (answer.sender.version > sender.version) {
      answer.verdict = StateVerdict::kNewer;
      answer.value = holder_.encoded();
    }
    encoded(std::move(answer));
  }
  OnPeerState(from, sender.version, sender.digest);
}

void StateKeeper::OnPeerState(MemberId peer, StateVersion version, uint64_t digest) {
  if (holder_.Contradicts(peer, version, digest)) return;
  if (version > ring()->version() && ring()->state().FindMember(peer) != nullptr) Fetch(peer);
}

void StateKeeper::OnAdopted(const RingPtr& before, const RingPtr& now) {
  recovery_voter_.OnAdopted();
  if (hooks_.adopted) hooks_.adopted(before, now);
  home_.executor.Post([this] { RebindIfDue(); });
}

// Looks at the peers: often until all have been met and nothing is open, then seldom, and at one of them, since news
// come by themselves.
Task<void> StateKeeper::KeepUp() {
  Duration pause = kPauseFirst;
  while (!draining_) {
    std::vector<MemberId> others;
    for (const Member& member : ring()->state().members) {
      if (member.id != self_) others.push_back(member.id);
    }
    if (others.empty()) co_return;
    const bool settled = Settled();
    for (MemberId other : others) {
      if (peers_.StoreOf(other) == StoreId() || voter_.undecided()) Fetch(other);
    }
    if (HasMetAll()) Fetch(others[home_.random.Below(others.size())]);
    BindIfDue();
    RebindIfDue();
    pause = settled ? kPauseSettled : std::min(2 * pause, kPauseOpen);
    const auto jitter = Duration(static_cast<int64_t>(home_.random.Below(static_cast<uint64_t>(pause.count() / 4))));
    co_await SleepUntil(home_.executor, home_.clock.Now() + pause - jitter);
  }
}

void StateKeeper::Fetch(MemberId from) {
  if (draining_ || from == self_ || !fetching_.insert(from).second) return;
  peers_.Ask(from, {.ask = StateAsk::kFetch}, kFetchTime, [this, from](const absl::StatusOr<StateAnswer>& answer) {
    fetching_.erase(from);
    if (absl::IsPermissionDenied(answer.status()) && hooks_.on_given_up) {
      hooks_.on_given_up(from, std::string(answer.status().message()));
    }
    if (!HasMetAll()) return;
    if (met_all_at_ == MonotonicTime()) met_all_at_ = home_.clock.Now();
    BindIfDue();
  });
}

bool StateKeeper::HasMetAll() const {
  const std::vector<Member>& members = ring()->state().members;
  return std::all_of(members.begin(), members.end(),
                     [this](const Member& m) { return m.id == self_ || peers_.StoreOf(m.id) != StoreId(); });
}

bool StateKeeper::Settled() const {
  return HasMetAll() && ring()->version() > StateVersion(1) && !voter_.undecided() &&
         ring()->state().FindMember(self_)->store == holder_.store();
}

// P31: version 2 binds every member to its store; all of them must be there for it.
void StateKeeper::BindIfDue() {
  if (ring()->version() != StateVersion(1) || binding_ || !HasMetAll()) return;
  const std::vector<Member>& members = ring()->state().members;
  const auto rank =
      std::count_if(members.begin(), members.end(), [this](const Member& member) { return member.id < self_; });
  if (home_.clock.Now() < met_all_at_ + rank * kBindingHeadStart) return;
  Bind({}, kBindingTime, [](const absl::StatusOr<StateVersion>&) {});
}

void StateKeeper::Bind(std::set<MemberId> without, Duration budget, StateProposer::Done done) {
  std::vector<std::pair<MemberId, StoreId>> stores;
  for (const Member& member : ring()->state().members) {
    if (without.contains(member.id)) continue;
    stores.emplace_back(member.id, member.id == self_ ? holder_.store() : peers_.StoreOf(member.id));
  }
  binding_ = true;
  proposer_.ProposeBinding(BindAll(std::move(stores), without), without, budget,
                           [this, done = std::move(done)](absl::StatusOr<StateVersion> version) mutable {
                             binding_ = false;
                             if (version.ok()) home_.tracer.Event(Severity::kInfo, "MembersBound", {});
                             done(std::move(version));
                           });
}

absl::StatusOr<std::set<MemberId>> StateKeeper::CheckWithout(const std::vector<std::string>& names) const {
  const ClusterState& state = ring()->state();
  std::set<MemberId> without;
  for (const std::string& name : names) {
    const Member* member = state.FindMemberByName(name);
    if (member == nullptr) return absl::InvalidArgumentError(absl::StrCat("no member is named ", name));
    if (member->id == self_) {
      return absl::InvalidArgumentError(absl::StrCat("this node is ", name, " itself, and has started"));
    }
    if (peers_.StoreOf(member->id) != StoreId()) {
      return absl::FailedPreconditionError(absl::StrCat(
          name, " has started: it answered this node, so the members are bound as soon as all are up at a time"));
    }
    without.insert(member->id);
  }
  if (without.empty()) return absl::InvalidArgumentError("say who never starts");
  if (state.version > StateVersion(1)) {
    return absl::FailedPreconditionError(absl::StrCat("the members are bound to their stores already, by version 2; ",
                                                      "this node knows version ", state.version.value()));
  }
  if (2 * (state.members.size() - without.size()) <= state.members.size()) {
    return absl::FailedPreconditionError(
        absl::StrCat("without ", absl::StrJoin(names, ", "), " the rest is no majority of the ", state.members.size(),
                     " listed members: another such group could decide otherwise. Start a cluster of those that there "
                     "are"));
  }
  for (const Member& member : state.members) {
    if (member.id == self_ || without.contains(member.id) || peers_.StoreOf(member.id) != StoreId()) continue;
    return absl::UnavailableError(
        absl::StrCat(member.name, " has not answered this node yet: start it, or say that it ", "never starts, too"));
  }
  if (binding_) return absl::UnavailableError("the members are just being bound: look again, or try again");
  return without;
}

void StateKeeper::BindWithout(const std::vector<std::string>& names, Duration budget, StateProposer::Done done) {
  absl::StatusOr<std::set<MemberId>> without = CheckWithout(names);
  if (!without.ok()) return done(std::move(without).status());
  home_.tracer.Event(Severity::kWarning, "BindingWithout", {{"names", absl::StrJoin(names, ", ")}});
  Bind(*std::move(without), budget, std::move(done));
}

void StateKeeper::RebindIfDue() {
  const Member* self = ring()->state().FindMember(self_);
  if (ring()->version() == StateVersion(1) || self->store == holder_.store() || binding_) return;
  if (rebound_ == Rebound::kNotTold) {
    rebound_ = Rebound::kTold;
    home_.tracer.Event(Severity::kWarning, "StoreReplaced",
                       {{"bound", self->store.value()}, {"own", holder_.store().value()}});
    auto ready = [this] {
      rebound_ = Rebound::kReady;
      RebindIfDue();
    };
    if (hooks_.on_rebound) return hooks_.on_rebound(std::move(ready));
    return ready();
  }
  if (rebound_ != Rebound::kReady) return;
  binding_ = true;
  proposer_.Propose(Rebind(self_, holder_.store()), kBindingTime, [this](const absl::StatusOr<StateVersion>& version) {
    binding_ = false;
    if (version.ok()) home_.tracer.Event(Severity::kInfo, "StoreBoundAnew", {{"version", version->value()}});
  });
}

}  // namespace henge
