#include "node/state/state_proposer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/runtime/timer_await.h"

namespace henge {
namespace {

using std::chrono::milliseconds;

constexpr Duration kPhaseTime = std::chrono::seconds(1);
constexpr Duration kLearnTime = std::chrono::seconds(2);
constexpr Duration kRoundPauseFirst = milliseconds(10);
constexpr Duration kPauseMax = milliseconds(640);
constexpr size_t kWaitingMax = 64;

PaxosProposer::Phase PhaseOf(StateAsk ask) {
  return ask == StateAsk::kPrepare ? PaxosProposer::Phase::kPrepare : PaxosProposer::Phase::kAccept;
}

std::vector<MemberId> MembersOf(const ClusterState& state) {
  std::vector<MemberId> members;
  members.reserve(state.members.size());
  for (const Member& member : state.members) members.push_back(member.id);
  return members;
}

}  // namespace

struct StateProposer::Proposal {
  StateChange change;
  bool binding = false;
  std::set<MemberId> without;  // who need not take part in the binding
  MonotonicTime deadline;
  Done done;
  uint64_t id = 0;        // the number that the state will name
  StateVersion in_doubt;  // the last version that others were asked to accept it as; none = nobody was
  std::string problem;    // what kept the last attempt from a decision
};

// One ballot.
struct StateProposer::Round {
  Round(RingPtr ring, PaxosProposer proposer) : base(std::move(ring)), paxos(std::move(proposer)) {}

  const RingPtr base;
  PaxosProposer paxos;
  Completion<bool> over;  // of the phase under way
  std::map<MemberId, std::string> why;
};

StateProposer::StateProposer(MemberId self, StateHolder& holder, StatePeers& peers, StateVoter& voter, Clock& clock,
                             Executor& loop, Random& random)
    : self_(self), holder_(holder), peers_(peers), voter_(voter), clock_(clock), loop_(loop), random_(random) {}

void StateProposer::Propose(StateChange change, Duration budget, Done done) {
  Start({.change = std::move(change), .deadline = clock_.Now() + budget, .done = std::move(done)});
}

void StateProposer::ProposeBinding(StateChange change, std::set<MemberId> without, Duration budget, Done done) {
  Start({.change = std::move(change),
         .binding = true,
         .without = std::move(without),
         .deadline = clock_.Now() + budget,
         .done = std::move(done)});
}

void StateProposer::Start(Proposal proposal) {
  if (draining_) return proposal.done(absl::UnavailableError("this node is shutting down: ask another one"));
  // Who had no time left has gone, and stands in nobody's way.
  std::erase_if(turns_, [](const Completion<bool>& turn) { return turn.is_set(); });
  if (turns_.size() >= kWaitingMax) {
    return proposal.done(absl::ResourceExhaustedError(
        absl::StrCat(turns_.size(), " changes of the cluster state wait at this node: try again later")));
  }
  tasks_.Spawn(Run(std::move(proposal)));
}

Task<void> StateProposer::Run(Proposal proposal) {
  if (std::exchange(busy_, true)) {
    Completion<bool> turn;
    turns_.push_back(turn);
    CompleteAt late(loop_, turn, proposal.deadline, false);
    if (!co_await turn) {
      proposal.done(absl::UnavailableError("earlier changes of the cluster state took the time: try again"));
      co_return;
    }
  }
  proposal.id = random_.Next64();
  absl::StatusOr<StateVersion> result = co_await Decide(&proposal);
  busy_ = false;
  while (!turns_.empty() && !busy_) {
    Completion<bool> next = std::move(turns_.front());
    turns_.pop_front();
    // The next one runs from here until it waits, and may be through by then; or it had no time left to wait.
    busy_ = true;
    if (!next.Set(true)) busy_ = false;
  }
  proposal.done(std::move(result));
}

Task<absl::StatusOr<StateVersion>> StateProposer::Decide(Proposal* proposal) {
  Duration pause = kRoundPauseFirst;
  while (true) {
    const RingPtr base = holder_.ring();
    if (std::optional<StateVersion> won = VersionOfChange(base->state(), proposal->id); won.has_value()) co_return *won;
    if (holder_.contradicted()) {
      co_return absl::FailedPreconditionError(
          "members hold two different cluster states of one version: nothing is changed until an operator has looked "
          "(event ClusterStateDiffers)");
    }
    const uint64_t versions = base->version().value() - std::min(proposal->in_doubt, base->version()).value();
    if (proposal->in_doubt != StateVersion() && versions >= kStateChangesMax) {
      co_return absl::UnavailableError("the change may have been made, among many others: look before trying again");
    }
    if (draining_ || clock_.Now() >= proposal->deadline) {
      const char* doubt = proposal->in_doubt > base->version() ? "; it may yet come through, look before trying again"
                                                               : "; nothing was changed";
      co_return absl::UnavailableError(
          absl::StrCat("the cluster state was not changed in time: ",
                       std::string(draining_ ? "this node is shutting down" : proposal->problem), doubt));
    }
    if (base->version() == StateVersion(1) && !proposal->binding) {
      proposal->problem =
          "the members have not all met yet since the cluster's first start: until each one has been up at the same "
          "time as the others, nothing else can be decided";
    } else {
      absl::StatusOr<ClusterState> next = proposal->change(base->state());
      if (!next.ok()) co_return next.status();
      co_await Attempt(proposal, base, Successor(*std::move(next), proposal->id));
      if (holder_.ring() != base) continue;
    }
    co_await SleepUntil(
        loop_, std::min(proposal->deadline,
                        clock_.Now() + pause / 2 +
                            Duration(static_cast<int64_t>(random_.Below(static_cast<uint64_t>(pause.count()))))));
    pause = std::min(2 * pause, kPauseMax);
  }
}

Task<void> StateProposer::Attempt(Proposal* proposal, RingPtr base, ClusterState value) {
  const StateVersion version = value.version;
  const std::string own = value.Encode();
  std::vector<MemberId> voters = MembersOf(base->state());
  size_t quorum = voters.size() / 2 + 1;
  if (base->version() == StateVersion(1)) {
    // P31: the first stores are bound by all, since nobody can say yet which of a member's stores it is that votes; or
    // by all but those of whom an operator says that they had none.
    std::erase_if(voters, [&](MemberId member) { return proposal->without.contains(member); });
    quorum = std::max(quorum, voters.size());
  }
  round_ = std::max(round_, voter_.round()) + 1;
  auto round = std::make_shared<Round>(base, PaxosProposer({round_, self_}, own, voters, quorum));
  const MonotonicTime deadline = std::min(proposal->deadline, clock_.Now() + 2 * kPhaseTime);
  co_await AskAll(round, StateAsk::kPrepare, std::min(deadline, clock_.Now() + kPhaseTime));
  if (round->paxos.phase() == PaxosProposer::Phase::kAccept) {
    if (round->paxos.value() == own) proposal->in_doubt = version;
    co_await AskAll(round, StateAsk::kAccept, std::min(deadline, clock_.Now() + kPhaseTime));
  }
  round_ = std::max(round_, round->paxos.round_seen());
  if (round->paxos.phase() != PaxosProposer::Phase::kDecided) {
    std::vector<std::string> why;
    for (const auto& [member, text] : round->why) why.push_back(absl::StrCat(Names({member}), " (", text, ")"));
    proposal->problem = absl::StrCat(quorum, " of ", voters.size(), " members must take part, and these did not: ",
                                     why.empty() ? Names(round->paxos.Missing()) : absl::StrJoin(why, ", "));
    co_return;
  }
  Broadcast(round->paxos.value());
  Completion<absl::Status> learned;
  CompleteAt late(loop_, learned, clock_.Now() + kLearnTime, absl::DeadlineExceededError("the store is slow"));
  holder_.Learn(round->paxos.value(), [learned](absl::Status status) mutable { learned.Set(std::move(status)); });
  const absl::Status status = co_await learned;
  if (!status.ok()) proposal->problem = std::string(status.message());
}

Task<void> StateProposer::AskAll(std::shared_ptr<Round> round, StateAsk ask, MonotonicTime deadline) {
  round->over = Completion<bool>();
  round->why.clear();
  // By the state that the ballot began with, whatever this node has learned since: a vote is on the version after it.
  StateCall call{.ask = ask,
                 .sender = {round->base->cluster(), holder_.store(), round->base->version(), round->base->digest()},
                 .ballot = round->paxos.ballot()};
  if (ask == StateAsk::kAccept) call.value = round->paxos.value();
  for (const Member& member : round->base->state().members) {
    AskOne(round, member.id, call, deadline - clock_.Now(), /*teach=*/true);
  }
  // Who is silent so far is named if it stays so.
  CompleteAt late(loop_, round->over, deadline, false);
  const Completion<bool> over = round->over;
  if (!co_await over) {
    for (MemberId member : round->paxos.Missing()) round->why.try_emplace(member, "no answer");
  }
}

void StateProposer::AskOne(const std::shared_ptr<Round>& round, MemberId voter, const StateCall& call,
                           Duration patience, bool teach) {
  if (voter == self_) {
    voter_.Vote(self_, call, [this, round, voter, ask = call.ask](absl::StatusOr<StateAnswer> answer) {
      // Never within the call: the phase may end with it.
      loop_.Post([this, round, voter, ask, answer = std::move(answer)] { OnAnswer(*round, voter, ask, answer); });
    });
    return;
  }
  const MonotonicTime deadline = clock_.Now() + patience;
  peers_.Ask(voter, call, patience, [=, this](absl::StatusOr<StateAnswer> answer) {
    const bool behind = answer.ok() && answer->verdict == StateVerdict::kBehind;
    if (!behind || !teach) return OnAnswer(*round, voter, call.ask, answer);
    // One that is behind is told what it has missed, and asked once more.
    const Duration left = deadline - clock_.Now();
    peers_.Ask(voter, {.ask = StateAsk::kLearn, .value = holder_.encoded()}, left,
               [=, this](const absl::StatusOr<StateAnswer>& told) {
                 if (!told.ok()) return OnAnswer(*round, voter, call.ask, told);
                 AskOne(round, voter, call, deadline - clock_.Now(), /*teach=*/false);
               });
  });
}

void StateProposer::OnAnswer(Round& round, MemberId voter, StateAsk ask, const absl::StatusOr<StateAnswer>& answer) {
  const PaxosProposer::Phase phase = PhaseOf(ask);
  if (round.paxos.phase() != phase) return;
  PaxosAnswer vote;
  const Member* member = round.base->state().FindMember(voter);
  if (!answer.ok()) {
    round.why[voter] = std::string(answer.status().message());
  } else if (round.base->version() > StateVersion(1) && answer->sender.store != member->store) {
    round.why[voter] = "its disk is not the one that the cluster knows; it is bound anew once it asks for that";
  } else if (answer->verdict == StateVerdict::kGranted && answer->sender.version == round.base->version()) {
    vote.kind = PaxosAnswer::Kind::kGranted;
    vote.accepted = {answer->accepted, answer->value};
  } else if (answer->verdict == StateVerdict::kRefused) {
    vote.kind = PaxosAnswer::Kind::kRefused;
    round.why[voter] = "it is deciding another proposal";
  } else {
    round.why[voter] = answer->verdict == StateVerdict::kNewer ? "it knew of a newer state" : "it is catching up";
  }
  if (answer.ok()) vote.promised = answer->promised;
  round.paxos.OnAnswer(phase, voter, std::move(vote));
  if (round.paxos.phase() != phase) round.over.Set(true);
}

void StateProposer::Broadcast(const std::string& state) {
  for (const Member& member : holder_.ring()->state().members) {
    if (member.id == self_) continue;
    peers_.Ask(member.id, {.ask = StateAsk::kLearn, .value = state}, kLearnTime,
               [](const absl::StatusOr<StateAnswer>&) {});
  }
}

std::string StateProposer::Names(const std::vector<MemberId>& members) const {
  return holder_.ring()->state().NamesOf(members);
}

}  // namespace henge
