#include "node/state/recovery_voter.h"

#include <chrono>
#include <utility>

#include "core/model/survivors.h"
#include "node/state/state_store.h"

namespace henge {
namespace {

// From the moment that the new state is durable to the new start: answers get out.
constexpr Duration kLinger = std::chrono::milliseconds(500);

}  // namespace

RecoveryVoter::RecoveryVoter(MemberId self, StateHolder& holder, StateVoter& states, StoreEngine& engine,
                             const ShardEnvironment& home, PaxosAcceptor::Stored start, RecoveryHooks hooks)
    : self_(self),
      holder_(holder),
      states_(states),
      engine_(engine),
      home_(home),
      hooks_(std::move(hooks)),
      acceptor_(std::move(start.acceptor)),
      accepted_at_(start.version) {
  if (acceptor_.accepted().ballot.IsNone()) return;
  const absl::StatusOr<ClusterState> next = ClusterState::Decode(acceptor_.accepted().value);
  if (next.ok()) accepted_cluster_ = next->cluster;
  OnAdopted();
}

bool RecoveryVoter::Stands() const {
  if (acceptor_.accepted().ballot.IsNone()) return false;
  const ClusterState& state = holder_.ring()->state();
  if (state.version == accepted_at_) return true;
  const absl::StatusOr<ClusterState> next = ClusterState::Decode(acceptor_.accepted().value);
  return next.ok() && GoesOnFrom(*next, state);
}

void RecoveryVoter::OnAdopted() {
  stands_ = Stands();
  if (stands_) states_.Retire();
}

SurvivorAnswer RecoveryVoter::Word() const {
  return {.verdict = SurvivorVerdict::kTold,
          .sender = holder_.Sender(),
          .vote = states_.accepted(),
          .promised = acceptor_.promised(),
          .recovery = stands_ ? acceptor_.accepted() : PaxosVote()};
}

absl::StatusOr<RingPtr> RecoveryVoter::CheckValue(const std::string& value) {
  absl::StatusOr<ClusterState> next = ClusterState::Decode(value);
  if (!next.ok() || !IsRecoveryOf(holder_.ring()->state(), *next, self_, holder_.store())) {
    return absl::InvalidArgumentError("what is proposed is no recovery of this cluster with this member and its disk");
  }
  return std::make_shared<const Ring>(*std::move(next));
}

void RecoveryVoter::Vote(MemberId from, StateCall call, Reply reply) {
  if (call.ask == StateAsk::kFetch) return reply(Word());
  SurvivorAnswer refused = Word();
  refused.verdict = SurvivorVerdict::kRefused;
  if (call.ask == StateAsk::kLearn) {
    const PaxosVote& accepted = acceptor_.accepted();
    const bool last = stands_ && call.value == accepted.value && acceptor_.promised() == accepted.ballot;
    if (!last) return reply(std::move(refused));
    return TakeOver([this, reply = std::move(reply)](const absl::Status& status) mutable {
      if (!status.ok()) return reply(status);
      SurvivorAnswer answer = Word();
      answer.verdict = SurvivorVerdict::kGranted;
      reply(std::move(answer));
    });
  }
  if (call.ballot.member != from) return reply(absl::InvalidArgumentError("the ballot is another member's"));
  // Who asks goes by what it heard from all: nobody may know of more than that.
  const bool same = call.sender.version == refused.sender.version && call.sender.digest == refused.sender.digest;
  if (!same || taking_over_ != ClusterId()) return reply(std::move(refused));
  if (call.ask == StateAsk::kPrepare) {
    if (!acceptor_.Prepare(call.ballot)) return reply(std::move(refused));
    prepared_ = call.ballot;
    told_vote_ = states_.accepted().ballot;
    return Commit(SurvivorVerdict::kGranted, std::move(reply));
  }
  const absl::StatusOr<RingPtr> next = CheckValue(call.value);
  if (!next.ok()) return reply(next.status());
  const bool as_told = prepared_ == call.ballot && told_vote_ == states_.accepted().ballot;
  if (!as_told || !acceptor_.Accept(call.ballot, std::move(call.value))) return reply(std::move(refused));
  accepted_cluster_ = (*next)->cluster();
  accepted_at_ = holder_.ring()->version();
  OnAdopted();
  Commit(SurvivorVerdict::kGranted, std::move(reply));
}

void RecoveryVoter::Commit(SurvivorVerdict verdict, Reply reply) {
  SurvivorAnswer answer = Word();
  answer.verdict = verdict;
  engine_.CommitMeta(std::string(kRecoveryVoteNote),
                     EncodeRecoveryVote(holder_.ring()->cluster(), {accepted_at_, acceptor_}), home_.executor,
                     [answer = std::move(answer), reply = std::move(reply)](const absl::Status& status) mutable {
                       if (status.ok()) {
                         reply(std::move(answer));
                       } else {
                         reply(status);
                       }
                     });
}

void RecoveryVoter::OnForeignCluster(ClusterId cluster) {
  if (cluster != accepted_cluster_ || cluster == ClusterId() || writing_ || taken_over_) return;
  home_.tracer.Event(Severity::kWarning, "RecoveryMet", {{"cluster", cluster.value()}});
  TakeOver([](const absl::Status&) {});
}

void RecoveryVoter::TakeOver(Done done) {
  if (taken_over_) return done(absl::OkStatus());
  std::string value = acceptor_.accepted().value;
  const absl::StatusOr<RingPtr> next = CheckValue(value);
  if (!next.ok()) return done(next.status());
  waiting_.push_back(std::move(done));
  if (std::exchange(writing_, true)) return;
  taking_over_ = (*next)->cluster();
  states_.Retire();
  auto write = [this, value = std::move(value), version = (*next)->version(),
                alive = std::weak_ptr<bool>(alive_)]() mutable {
    if (!alive.expired()) Write(std::move(value), version);
  };
  std::vector<PartitionId> gained = GainedPartitions(holder_.ring()->state(), (*next)->state(), self_);
  if (gained.empty() || !hooks_.on_gained) return write();
  hooks_.on_gained(std::move(gained), std::move(write));
}

void RecoveryVoter::Write(std::string value, StateVersion version) {
  holder_.TakeOver(std::move(value), [this, version, alive = std::weak_ptr<bool>(alive_)](const absl::Status& status) {
    if (alive.expired()) return;
    writing_ = false;
    taken_over_ = status.ok();
    if (status.ok()) {
      home_.tracer.Event(Severity::kWarning, "ClusterRecovered",
                         {{"cluster", taking_over_.value()},
                          {"before", holder_.ring()->cluster().value()},
                          {"version", version.value()}});
      home_.executor.RunAt(home_.clock.Now() + kLinger, [this, alive] {
        if (!alive.expired() && hooks_.on_recovered) hooks_.on_recovered();
      });
    }
    for (Done& done : std::exchange(waiting_, {})) done(status);
  });
}

}  // namespace henge
