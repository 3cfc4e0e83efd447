#include "coordinator/read_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/fallbacks.h"
#include "coordinator/probe.h"

namespace henge {
namespace {

absl::StatusOr<ReadReply> AsReadReply(absl::StatusOr<PeerReply> reply) {
  if (!reply.ok()) return std::move(reply).status();
  if (auto* read = std::get_if<ReadReply>(&*reply)) return std::move(*read);
  return absl::InternalError("the peer answered a read with another kind of reply");
}

// Whether a failed call says that the replica itself is in trouble, rather than this one record or its epoch.
bool ShowsTrouble(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

int Candidates(const CoordinatorCore& core, const RecordKey& key, const ReadPlan& plan) {
  return static_cast<int>(core.ring->Owners(key.partition).size()) + (plan.as_fallback ? 1 : 0);
}

}  // namespace

ReadRound::ReadRound(CorePtr core, RecordKey key, ReadPlan plan, MonotonicTime deadline)
    : core_(std::move(core)),
      key_(std::move(key)),
      epoch_(core_->ring->Epoch(key_.partition)),
      conflict_(core_->ring->ConflictOf(key_.bucket)),
      deadline_(deadline),
      plan_(plan),
      sloppy_(!plan.strict && core_->hints != nullptr),
      wanted_(plan.needed),
      tally_(plan.needed, Candidates(*core_, key_, plan)) {}

std::shared_ptr<ReadRound> ReadRound::Start(CorePtr core, RecordKey key, ReadPlan plan, MonotonicTime deadline) {
  auto round = std::make_shared<ReadRound>(std::move(core), std::move(key), plan, deadline);
  round->Begin();
  return round;
}

void ReadRound::Begin() {
  absl::InlinedVector<MemberId, 4> others;
  for (MemberId owner : core_->ring->Owners(key_.partition)) {
    if (owner != core_->options.self) others.push_back(owner);
  }
  core_->health.OrderByPreference(others, key_.partition.value() * 0x9E3779B1u >> 16);
  std::stable_partition(others.begin(), others.end(), [this](MemberId other) { return !core_->OutOfReach(other); });
  attempts_.push_back({.member = core_->options.self, .owner = !plan_.as_fallback});
  for (MemberId other : others) attempts_.push_back({.member = other});

  const MonotonicTime now = core_->env.clock.Now();
  attempts_[0].state = State::kAsked;
  attempts_[0].first = true;
  attempts_[0].sent_at = now;
  attempts_[0].hedge_at = now + core_->health.HedgeDelay(core_->options.self);
  ReadLocally();
  if (!peers_asked_) {
    // What is in memory is answered within this turn; what is not by its end needs the disk.
    auto& reads = core_->reads_of_turn;
    reads.push_back(shared_from_this());
    if (reads.size() > 1) return;
    core_->env.executor.AtTurnEnd(TurnPhase::kCommit, [core = core_] {
      for (const auto& read : std::exchange(core->reads_of_turn, {})) read->OnTurnEnd();
    });
  }
}

void ReadRound::ReadLocally() {
  auto done = [round = shared_from_this()](absl::StatusOr<ReadReply> reply) { round->OnLocal(std::move(reply)); };
  if (plan_.as_fallback) {
    core_->hints->Read(key_, std::move(done));
  } else {
    core_->local.Read(key_, std::move(done));
  }
}

void ReadRound::OnTurnEnd() {
  if (!peers_asked_ && !core_->stopped()) AskPeers();
}

void ReadRound::AskPeers() {
  const bool first_time = !std::exchange(peers_asked_, true);
  int open = static_cast<int>(std::count_if(attempts_.begin(), attempts_.end(), [](const Attempt& a) {
    return (a.state == State::kAsked && !a.aside) || a.state == State::kAnswered;
  }));
  for (size_t i = 1; open < wanted_; ++i) {
    if (i == attempts_.size() && !LoadFallbacks()) break;
    if (attempts_[i].state != State::kIdle) continue;
    Ask(i, first_time);
    if (!attempts_[i].aside) ++open;
  }
  ProbeAvoided(core_, key_, epoch_);
  if (!timer_.has_value()) ArmTimer();
}

// Adds those who keep hints for the owners, those in reach first. Whether there are any.
bool ReadRound::LoadFallbacks() {
  if (!sloppy_ || std::exchange(fallbacks_loaded_, true)) return false;
  const FallbackList fallbacks = FallbacksToAsk(*core_, key_.partition);
  // A hint lies with one of the first in reach; a large cluster is not searched.
  const size_t count = std::min(fallbacks.size(), core_->ring->Owners(key_.partition).size());
  for (size_t i = 0; i < count; ++i) attempts_.push_back({.member = fallbacks[i], .owner = false});
  tally_.AddCandidates(static_cast<int>(count));
  return count > 0;
}

// P39: if all others are late, none counts as such; but those that aren't there at all are asked beside each other.
bool ReadRound::NotToWaitFor(const Attempt& attempt) const {
  if (core_->AllWell()) return false;
  if (core_->OutOfReach(attempt.member)) return true;
  const bool avoided = core_->health.Avoided(attempt.member) &&
                       std::any_of(attempts_.begin() + 1, attempts_.end(),
                                   [this](const Attempt& other) { return !core_->health.Avoided(other.member); });
  return avoided && (core_->GivenUp(attempt.member) || core_->hedge_budget.TryTake());
}

void ReadRound::Ask(size_t index, bool first) {
  Attempt& attempt = attempts_[index];
  const MonotonicTime now = core_->env.clock.Now();
  attempt.state = State::kAsked;
  attempt.first = first;
  attempt.sent_at = now;
  attempt.hedge_at = now + core_->health.HedgeDelay(attempt.member);
  attempt.aside = NotToWaitFor(attempt);
  ReadRequest request{.key = key_, .epoch = epoch_, .from_hints = !attempt.owner};
  if (attempt.owner && attempts_[0].state == State::kAnswered && !versions_[attempts_[0].version].bytes.empty()) {
    request.known_digest = ObjectDigest(versions_[attempts_[0].version].bytes);
  }
  core_->env.transport.Call(
      attempt.member, std::move(request), deadline_,
      [round = shared_from_this(), index](absl::StatusOr<PeerReply> reply) { round->OnPeer(index, std::move(reply)); });
}

int ReadRound::CountIdle() const {
  return static_cast<int>(
      std::count_if(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.state == State::kIdle; }));
}

// One timer for the whole round: at the next hedge that is due, at last at the deadline.
void ReadRound::ArmTimer() {
  MonotonicTime when = deadline_;
  for (const Attempt& attempt : attempts_) {
    if (attempt.state != State::kAsked || attempt.left) continue;
    if (!attempt.hedged) {
      when = std::min(when, attempt.hedge_at);
      continue;
    }
    const Duration patience = std::max(kPatienceMin, PatienceWith(attempt));
    const MonotonicTime now = core_->env.clock.Now();
    when = std::min(when, now < attempt.sent_at + patience ? attempt.sent_at + patience : now + patience);
  }
  timer_at_ = when;
  timer_ = core_->env.executor.RunAt(when, [round = shared_from_this()] { round->OnTimer(); });
}

void ReadRound::OnTimer() {
  timer_.reset();
  if (finished_ || core_->stopped()) return;
  if (core_->env.clock.Now() - timer_at_ < core_->options.hedge_delay_min) {
    OnDue();
    return;
  }
  // A loop that was held up blames no replica before it has looked at what came in meanwhile (H46).
  core_->env.executor.Post([round = shared_from_this()] { round->OnDue(); });
}

void ReadRound::OnDue() {
  if (finished_ || core_->stopped()) return;
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  const MonotonicTime now = core_->env.clock.Now();
  if (now >= deadline_) {
    Finish(Verdict::kPending);
    return;
  }
  Hedge(now);
  Decide();
  if (!finished_ && !timer_.has_value()) ArmTimer();
}

// None if gossip and the requests of this node agree that it isn't there, or if those of just now have waited in vain
// while others answer. If nobody does, this node may be the one that was away (P39): each request tries.
Duration ReadRound::PatienceWith(const Attempt& attempt) const {
  if (core_->Dead(attempt.member) && core_->health.Disqualified(attempt.member)) return Duration{0};
  if (core_->Silent(attempt.member)) {
    const bool in_touch = std::any_of(attempts_.begin() + 1, attempts_.end(),
                                      [this](const Attempt& other) { return !core_->Avoided(other.member); });
    return in_touch ? Duration{0} : core_->health.HedgeDelay(attempt.member);
  }
  return std::max<Duration>(kPatienceMin, 2 * core_->health.HedgeDelay(attempt.member));
}

// When everybody was asked, a read doesn't wait to its deadline for owners that are given up: another node may well
// reach them, and who asked can ask there.
void ReadRound::LeaveGivenUp(MonotonicTime now) {
  if (core_->AllWell() || CountIdle() > 0 || (sloppy_ && !fallbacks_loaded_)) return;
  for (Attempt& attempt : attempts_) {
    const bool open = attempt.state == State::kAsked && !attempt.left;
    if (!open || !core_->GivenUp(attempt.member) || now < attempt.sent_at + PatienceWith(attempt)) continue;
    attempt.left = true;
    tally_.AddFailure(attempt.member);
  }
}

// P39: if all others are disqualified, none counts as such.
bool ReadRound::CountsAsDisqualified(MemberId member) const {
  if (!core_->health.Disqualified(member)) return false;
  return std::any_of(attempts_.begin() + 1, attempts_.end(),
                     [this](const Attempt& other) { return !core_->health.Disqualified(other.member); });
}

// Each attempt that is late is a strike, and is joined by one to a further owner while there is one. If the budget does
// not allow that now, it may after another delay: it refills, and around a disqualified replica hedges are free.
void ReadRound::Hedge(MonotonicTime now) {
  const auto is_late = [now](const Attempt& a) { return a.state == State::kAsked && !a.hedged && a.hedge_at <= now; };
  if (CountIdle() == 0 && std::any_of(attempts_.begin(), attempts_.end(), is_late)) LoadFallbacks();
  const int idle = CountIdle();
  int extra = 0;
  for (Attempt& attempt : attempts_) {
    if (!is_late(attempt)) continue;
    const bool free = CountsAsDisqualified(attempt.member) || attempt.aside || core_->Silent(attempt.member);
    const bool local = attempt.member == core_->options.self;
    if (!std::exchange(attempt.struck, true) && !local) core_->OnStrike(attempt.member, attempt.sent_at);
    attempt.hedged = extra == idle || free || core_->hedge_budget.TryTake();
    // Somebody was asked beside it from the start.
    if (attempt.aside) continue;
    if (!attempt.hedged) {
      attempt.hedge_at = now + core_->health.HedgeDelay(attempt.member);
    } else if (extra < idle) {
      ++extra;
    }
  }
  if (extra == 0) return;
  core_->figures.hedges += extra;
  wanted_ += extra;
  AskPeers();
}

void ReadRound::OnLocal(absl::StatusOr<ReadReply> reply) {
  if (core_->stopped()) return;
  Attempt& attempt = attempts_[0];
  if (reply.ok()) {
    // Never struck, but its own latency says when to hedge around a slow disk.
    core_->OnFirstAnswer(attempt.member, attempt.sent_at);
  }
  if (finished_) {
    OnLateAnswer(attempt, std::move(reply));
    return;
  }
  Record(attempt, std::move(reply));
  // The record of an owner is there, so that the peers can be told its digest.
  if (tally_.verdict() == Verdict::kPending) AskPeers();
  peers_asked_ = true;
  Decide();
}

void ReadRound::OnPeer(size_t index, absl::StatusOr<PeerReply> peer_reply) {
  if (core_->stopped()) return;
  Attempt& attempt = attempts_[index];
  absl::StatusOr<ReadReply> reply = AsReadReply(std::move(peer_reply));
  core_->OnReply(attempt.member, reply.status());
  if (reply.ok()) {
    if (attempt.first) core_->OnFirstAnswer(attempt.member, attempt.sent_at);
  } else if (ShowsTrouble(reply.status()) && !attempt.struck) {
    attempt.struck = true;
    core_->OnStrike(attempt.member, attempt.sent_at);
  }
  if (finished_) {
    OnLateAnswer(attempt, std::move(reply));
    return;
  }
  Record(attempt, std::move(reply));
  // A failure is replaced by the next owner at once.
  if (attempt.state == State::kFailed && tally_.verdict() == Verdict::kPending) AskPeers();
  Decide();
}

void ReadRound::Record(Attempt& attempt, absl::StatusOr<ReadReply> reply) {
  absl::StatusOr<int> version = reply.ok() ? VersionOf(*reply) : absl::StatusOr<int>(reply.status());
  if (!version.ok()) {
    Fail(attempt, std::move(version).status());
    return;
  }
  const bool counts_as_owner = attempt.owner || plan_.absent_hint_counts;
  if (!counts_as_owner && !reply->found) {
    Fail(attempt, absl::NotFoundError("keeps no hint for the key"));
    return;
  }
  attempt.state = State::kAnswered;
  attempt.version = *version;
  tally_.AddAnswer(attempt.member, counts_as_owner, reply->found);
}

void ReadRound::Fail(Attempt& attempt, absl::Status error) {
  attempt.state = State::kFailed;
  attempt.error = std::move(error);
  tally_.AddFailure(attempt.member);
}

absl::StatusOr<int> ReadRound::VersionOf(ReadReply& reply) {
  if (reply.same) {
    if (attempts_[0].state != State::kAnswered) return absl::InternalError("the replica answered \"same\" unasked");
    return attempts_[0].version;
  }
  if (!reply.found) reply.object.clear();
  for (size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i].bytes == reply.object) return static_cast<int>(i);
  }
  Version version;
  if (reply.found) {
    absl::StatusOr<Object> object = Object::Decode(reply.object);
    if (!object.ok()) return std::move(object).status();
    version.object = *std::move(object);
    version.bytes = std::move(reply.object);
  }
  versions_.push_back(std::move(version));
  return static_cast<int>(versions_.size()) - 1;
}

void ReadRound::Decide() {
  if (!finished_ && tally_.verdict() == Verdict::kPending) LeaveGivenUp(core_->env.clock.Now());
  Verdict verdict = tally_.verdict();
  // Too few owners are left: whoever stands in for them is asked, before that is final.
  if (verdict == Verdict::kImpossible && !finished_ && core_->env.clock.Now() < deadline_ && LoadFallbacks()) {
    AskPeers();
    verdict = tally_.verdict();
  }
  if (verdict == Verdict::kPending || finished_) return;
  // Calls that end with the deadline are no failures of their replicas: the time ran out.
  if (verdict == Verdict::kImpossible && core_->env.clock.Now() >= deadline_) verdict = Verdict::kPending;
  Finish(verdict);
}

void ReadRound::Finish(Verdict verdict) {
  finished_ = true;
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  if (verdict == Verdict::kMet) MergeVersions();
  done_.Set(verdict);
}

void ReadRound::MergeVersions() {
  merged_ = 0;
  if (versions_.size() == 1) return;
  Object merged = versions_[0].object;
  for (size_t i = 1; i < versions_.size(); ++i) MergeRecord(conflict_, &merged, versions_[i].object);
  for (size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i].object == merged) {
      merged_ = static_cast<int>(i);
      return;
    }
  }
  std::string bytes = merged.Encode();
  versions_.push_back({.bytes = std::move(bytes), .object = std::move(merged)});
  merged_ = static_cast<int>(versions_.size()) - 1;
}

absl::InlinedVector<MemberId, 4> ReadRound::Holders() const {
  absl::InlinedVector<MemberId, 4> holders;
  for (const Attempt& attempt : attempts_) {
    if (attempt.owner && attempt.state == State::kAnswered && attempt.version == merged_) {
      holders.push_back(attempt.member);
    }
  }
  return holders;
}

int ReadRound::stale() const {
  return static_cast<int>(std::count_if(attempts_.begin(), attempts_.end(), [this](const Attempt& attempt) {
    return attempt.owner && attempt.state == State::kAnswered && attempt.version != merged_;
  }));
}

std::string ReadRound::Describe() const {
  std::string text = absl::StrCat(tally_.answers(), " of ", tally_.needed(), " needed owners answered (");
  const char* separator = "";
  for (const Attempt& attempt : attempts_) {
    absl::StrAppend(&text, separator, core_->NameOf(attempt.member), attempt.owner ? ": " : " (hints): ");
    switch (attempt.state) {
      case State::kIdle:
        absl::StrAppend(&text, "not asked");
        break;
      case State::kAsked:
        absl::StrAppend(&text, "no answer");
        break;
      case State::kAnswered:
        absl::StrAppend(&text, "answered");
        break;
      case State::kFailed:
        absl::StrAppend(&text, attempt.error.ToString());
        break;
    }
    separator = "; ";
  }
  return absl::StrCat(text, ")");
}

void ReadRound::Repair() {
  repairing_ = true;
  const bool leaned_on_hints = tally_.answers() > tally_.owner_answers();
  if (leaned_on_hints && (stale() > 0 || versions_.size() > 1)) {
    core_->env.tracer.Event(Severity::kDebug, "RepairPassesFallbacksBy", {{"stale", int64_t{stale()}}});
  }
  for (const Attempt& attempt : attempts_) {
    if (attempt.owner && attempt.state == State::kAnswered && attempt.version != merged_) SendRepair(attempt.member);
  }
}

// A replica that answers after the reply may be behind, or may know more than all who were in time.
void ReadRound::OnLateAnswer(Attempt& attempt, absl::StatusOr<ReadReply> reply) {
  if (!repairing_) return;
  const int merged_before = merged_;
  Record(attempt, std::move(reply));
  if (attempt.state != State::kAnswered || attempt.version == merged_before) return;
  MergeVersions();
  if (attempt.owner && attempt.version != merged_) SendRepair(attempt.member);
  if (merged_ == merged_before) return;
  for (const Attempt& other : attempts_) {
    const bool answered = other.owner && other.state == State::kAnswered;
    if (answered && other.member != attempt.member) SendRepair(other.member);
  }
}

namespace {

// One repair under way; holds its place in the bounds.
struct RepairCall {
  CorePtr core;
  MemberId member;
  Admission::Ticket ticket;  // of `core`

  void End(const absl::Status& status) const {
    if (status.ok() || core->stopped()) return;
    core->env.tracer.Event(Severity::kDebug, "ReadRepairFailed",
                           {{"peer", uint64_t{member.value()}}, {"error", status.ToString()}});
  }
};

}  // namespace

void ReadRound::SendRepair(MemberId member) {
  std::shared_ptr<RepairCall> repair(new RepairCall{core_, member, core_->repairs.Enter(merged_bytes().size())});
  if (!repair->ticket.admitted()) return;
  ++core_->figures.read_repairs;
  MergeRequest request{.key = key_, .epoch = epoch_, .object = merged_bytes(), .cause = MergeCause::kReadRepair};
  if (member == core_->options.self) {
    core_->local.Merge(std::move(request), [repair](absl::StatusOr<MergeReply> reply) { repair->End(reply.status()); });
    return;
  }
  const MonotonicTime deadline = core_->env.clock.Now() + core_->options.budget_default;
  core_->env.transport.Call(member, std::move(request), deadline,
                            [repair](absl::StatusOr<PeerReply> reply) { repair->End(reply.status()); });
}

}  // namespace henge
