#include "node/state/recovery_driver.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/runtime/timer_await.h"

namespace henge {
namespace {

// For one question to all, and one answer.
constexpr Duration kAskTime = std::chrono::milliseconds(1500);
constexpr Duration kPause = std::chrono::milliseconds(50);

}  // namespace

struct RecoveryDriver::Gathering {
  SurvivorWords words;
  std::map<MemberId, absl::Status> failed;
  size_t missing = 0;
  Completion<bool> over;

  bool Granted(MemberId member) const {
    const auto word = words.find(member);
    return word != words.end() && word->second.verdict == SurvivorVerdict::kGranted;
  }
  // Whether one of them has answered otherwise: who is silent or failed has not.
  bool AnyRefused(const std::vector<MemberId>& members) const {
    return std::any_of(members.begin(), members.end(),
                       [this](MemberId id) { return words.contains(id) && !Granted(id); });
  }
  bool AllGranted(const std::vector<MemberId>& members) const {
    return std::all_of(members.begin(), members.end(), [this](MemberId id) { return Granted(id); });
  }
};

RecoveryDriver::RecoveryDriver(MemberId self, StateHolder& holder, RecoveryVoter& voter, const ShardEnvironment& home)
    : self_(self), holder_(holder), voter_(voter), home_(home) {}

void RecoveryDriver::Recover(RecoverOrder order, Duration budget, Done done) {
  if (busy_ || draining_) {
    return done(absl::UnavailableError(busy_ ? "another 'cluster recover' is under way at this node: try again"
                                             : "this node is shutting down"));
  }
  busy_ = true;
  tasks_.Spawn(Run(std::move(order), home_.clock.Now() + budget, std::move(done)));
}

Task<void> RecoveryDriver::Run(RecoverOrder order, MonotonicTime deadline, Done done) {
  absl::StatusOr<RecoverResult> result = co_await Decide(std::move(order), deadline);
  busy_ = false;
  done(std::move(result));
}

Task<absl::StatusOr<RecoverResult>> RecoveryDriver::Decide(RecoverOrder order, MonotonicTime deadline) {
  std::vector<MemberId> all;
  for (const Member& member : holder_.ring()->state().members) all.push_back(member.id);
  const StateCall question{.ask = StateAsk::kFetch};
  const std::shared_ptr<Gathering> asked =
      co_await Ask(all, question, std::min(deadline, home_.clock.Now() + kAskTime));
  for (const auto& [id, status] : asked->failed) {
    if (absl::IsPermissionDenied(status)) co_return absl::FailedPreconditionError(status.message());
  }
  const ClusterState& state = holder_.ring()->state();
  const absl::StatusOr<std::vector<MemberId>> survivors = ChooseSurvivors(state, self_, asked->words, order.survivors);
  if (!survivors.ok()) co_return survivors.status();
  const bool named = !order.survivors.empty();
  const absl::StatusOr<std::string> begun = BegunRecovery(state, asked->words, *survivors, named);
  if (!begun.ok()) co_return begun.status();
  const ClusterState base = BaseOfRecovery(state, asked->words);
  RecoverResult result;
  if (!order.force) {
    absl::StatusOr<ClusterState> next = StateOfSurvivors(base, asked->words, *survivors, home_.random.Next64());
    if (!begun->empty()) next = ClusterState::Decode(*begun);
    if (!next.ok()) co_return next.status();
    result.plan = PlanOf(base, *next);
    result.plan.begun = !begun->empty();
    co_return result;
  }
  home_.tracer.Event(Severity::kWarning, "RecoveringCluster", {{"survivors", Names(*survivors)}});
  uint64_t round_seen = 0;
  for (const auto& [id, word] : asked->words) round_seen = std::max(round_seen, word.promised.round);
  absl::StatusOr<Agreed> agreed = co_await Agree(*survivors, named, round_seen, deadline);
  if (!agreed.ok()) co_return agreed.status();
  const absl::StatusOr<ClusterState> next = ClusterState::Decode(agreed->value);
  if (!next.ok()) co_return next.status();
  result.plan = PlanOf(base, *next);
  result.plan.begun = !begun->empty();
  co_return co_await Finish(*std::move(agreed), std::move(result));
}

Task<absl::StatusOr<RecoveryDriver::Agreed>> RecoveryDriver::Agree(std::vector<MemberId> survivors, bool named,
                                                                   uint64_t round_seen, MonotonicTime deadline) {
  std::vector<MemberId> others = survivors;
  std::erase(others, self_);
  std::string problem = "there was no time";
  const uint64_t nonce = home_.random.Next64();
  bool begun = false;
  const StateVersion version = holder_.ring()->version();
  while (home_.clock.Now() < deadline && !draining_) {
    if (holder_.ring()->version() != version) {
      co_return absl::FailedPreconditionError(absl::StrCat(
          "the members have decided version ", holder_.ring()->version().value(),
          " of the cluster state meanwhile, so a majority may be there after all: look at 'henge status', and if it is "
          "not, give the command again"));
    }
    const Ballot ballot{++round_seen, self_};
    StateCall call{.ask = StateAsk::kPrepare, .sender = holder_.Sender(), .ballot = ballot};
    std::shared_ptr<Gathering> votes = co_await Ask(survivors, call, std::min(deadline, home_.clock.Now() + kAskTime));
    if (votes->AllGranted(survivors)) {
      const ClusterState& state = holder_.ring()->state();
      absl::StatusOr<std::string> value = BegunRecovery(state, votes->words, survivors, named);
      if (!value.ok()) co_return value.status();
      if (value->empty()) {
        *value = StateOfSurvivors(BaseOfRecovery(state, votes->words), votes->words, survivors, nonce).Encode();
      }
      begun = true;
      call.ask = StateAsk::kAccept;
      call.value = *value;
      votes = co_await Ask(survivors, call, std::min(deadline, home_.clock.Now() + kAskTime));
      if (votes->AllGranted(survivors)) {
        call = {.ask = StateAsk::kLearn, .sender = holder_.Sender(), .value = *value};
        votes = co_await Ask(others, call, home_.clock.Now() + kAskTime);
        if (!votes->AnyRefused(others)) {
          std::vector<MemberId> unconfirmed = others;
          std::erase_if(unconfirmed, [&votes](MemberId id) { return votes->Granted(id); });
          co_return Agreed{*std::move(value), std::move(unconfirmed)};
        }
      }
    }
    problem = Ungranted(*votes, call.ask == StateAsk::kLearn ? others : survivors);
    for (const auto& [id, word] : votes->words) round_seen = std::max(round_seen, word.promised.round);
    const auto jitter = Duration(static_cast<int64_t>(home_.random.Below(static_cast<uint64_t>(kPause.count()))));
    co_await SleepUntil(home_.executor, std::min(deadline, home_.clock.Now() + kPause + jitter));
  }
  co_return absl::UnavailableError(absl::StrCat(
      "all survivors must take part, and these did not: ", problem,
      begun ? "; a recovery is begun: give the command again with the same survivors" : "; nothing was changed"));
}

Task<absl::StatusOr<RecoverResult>> RecoveryDriver::Finish(Agreed agreed, RecoverResult result) {
  StateCall call{.ask = StateAsk::kLearn, .sender = holder_.Sender(), .value = std::move(agreed.value)};
  // Last: from here on this node can drive nothing of the old cluster any more.
  const std::vector<MemberId> alone(1, self_);
  const std::shared_ptr<Gathering> own = co_await Ask(alone, call, home_.clock.Now() + kAskTime);
  if (!own->Granted(self_)) {
    const std::string who = Ungranted(*own, alone);
    co_return absl::UnavailableError(absl::StrCat("all survivors have accepted the recovery, and ", who,
                                                  " did not take over: give the command again"));
  }
  result.done = true;
  for (MemberId id : agreed.unconfirmed) result.unconfirmed.push_back(NameOf(id));
  co_return result;
}

Task<std::shared_ptr<RecoveryDriver::Gathering>> RecoveryDriver::Ask(std::vector<MemberId> to, StateCall call,
                                                                     MonotonicTime deadline) {
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = to.size();
  if (call.sender.version == StateVersion()) call.sender = holder_.Sender();
  if (to.empty()) co_return gathering;
  for (MemberId member : to) AskOne(gathering, member, call, deadline);
  CompleteAt late(home_.executor, gathering->over, deadline, false);
  const Completion<bool> over = gathering->over;
  co_await over;
  co_return gathering;
}

void RecoveryDriver::AskOne(const std::shared_ptr<Gathering>& gathering, MemberId to, const StateCall& call,
                            MonotonicTime deadline) {
  if (to == self_) {
    voter_.Vote(self_, call, [this, gathering](absl::StatusOr<SurvivorAnswer> answer) {
      // Never within the call: the gathering may end with it.
      home_.executor.Post([gathering, self = self_, answer = std::move(answer)]() mutable {
        Note(*gathering, self, std::move(answer));
      });
    });
    return;
  }
  home_.transport.Call(to, ControlRequest{ControlKind::kRecover, call.Encode()}, deadline,
                       [gathering, to, alive = std::weak_ptr<bool>(alive_)](absl::StatusOr<PeerReply> reply) {
                         if (alive.expired()) return;
                         if (!reply.ok()) return Note(*gathering, to, reply.status());
                         auto* control = std::get_if<ControlReply>(&*reply);
                         if (control == nullptr) {
                           return Note(*gathering, to, absl::InternalError("an answer of another kind"));
                         }
                         Note(*gathering, to, SurvivorAnswer::Decode(control->body));
                       });
}

void RecoveryDriver::Note(Gathering& gathering, MemberId from, absl::StatusOr<SurvivorAnswer> answer) {
  if (gathering.over.is_set()) return;  // too late: who waited goes by what was there
  if (answer.ok()) {
    gathering.words[from] = *std::move(answer);
  } else {
    gathering.failed[from] = answer.status();
  }
  if (--gathering.missing == 0) gathering.over.Set(true);
}

std::string RecoveryDriver::NameOf(MemberId id) const { return holder_.ring()->state().NameOf(id); }

std::string RecoveryDriver::Names(const std::vector<MemberId>& members) const {
  return holder_.ring()->state().NamesOf(members);
}

std::string RecoveryDriver::Ungranted(const Gathering& gathering, const std::vector<MemberId>& members) const {
  std::vector<std::string> texts;
  for (MemberId id : members) {
    if (gathering.Granted(id)) continue;
    const auto failed = gathering.failed.find(id);
    const bool refused = gathering.words.contains(id);
    texts.push_back(absl::StrCat(NameOf(id), " (",
                                 failed != gathering.failed.end() ? std::string(failed->second.message())
                                 : refused ? "it has promised another attempt, or its state changed"
                                           : "no answer",
                                 ")"));
  }
  return absl::StrJoin(texts, ", ");
}

}  // namespace henge
