// How a write goes around owners that don't answer: who is joined by a fallback, and when.
#include <algorithm>
#include <utility>

#include "coordinator/probe.h"
#include "coordinator/write_round.h"

namespace henge {
namespace {

using Attempt = CoordinatorCore::Attempt;

// What a fallback would refuse as well: the request is wrong for the bucket or the layout of today.
bool IsForAll(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) || absl::IsAborted(status);
}

}  // namespace

// ---- The timer: one for the whole round ----

void WriteRound::ArmTimer(MonotonicTime when) {
  if (timer_.has_value()) core_->env.executor.Cancel(*timer_);
  timer_at_ = when;
  timer_ = core_->env.executor.RunAt(when, [round = shared_from_this()] { round->OnTimer(); });
}

// Before anything is sent: when the first owner may be late, so that most writes need no second timer.
MonotonicTime WriteRound::FirstDue() const {
  Duration soonest = deadline_ - core_->env.clock.Now();
  for (MemberId owner : core_->ring->Owners(key_.partition)) {
    if (owner != core_->options.self) soonest = std::min(soonest, core_->health.HedgeDelay(owner, Attempt::kWrite));
  }
  return core_->env.clock.Now() + soonest;
}

void WriteRound::OnTimer() {
  timer_.reset();
  if (core_->stopped()) return;
  if (core_->env.clock.Now() - timer_at_ < core_->options.hedge_delay_min) {
    OnDue();
    return;
  }
  // A loop that was held up blames no replica before it has looked at what came in meanwhile (H46).
  core_->env.executor.Post([round = shared_from_this()] { round->OnDue(); });
}

void WriteRound::OnDue() {
  if (core_->stopped() || (finished_ && !lingering_.has_value())) return;
  const MonotonicTime now = core_->env.clock.Now();
  if (!finished_ && now >= deadline_) {
    WriteEnd end;
    // A mint that comes after the deadline refuses by itself, so what is not minted by now never will be.
    if (!sending_) end.not_minted = absl::DeadlineExceededError("the local record was not read in time");
    Finish(std::move(end));
    return;
  }
  if (sending_) JoinLate(now);
  if (!finished_ && sending_) Decide();
  if (finished_ && !lingering_.has_value()) return;
  if (finished_ && !Lingers()) {
    Release();
    return;
  }
  MonotonicTime next = finished_ ? MonotonicTime::max() : deadline_;
  for (size_t i = 1; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.state != State::kWaiting || !node.sent || node.left) continue;
    if (!node.joined) {
      next = std::min(next, std::max(node.due, now));
    } else if (!finished_) {
      const MonotonicTime leave_at = LeaveAt(node);
      next = std::min(next, leave_at > now ? leave_at : now + kPatienceMin);
    }
  }
  if (!sending_) next = std::min(next, now + core_->options.hedge_delay_initial);
  if (next != MonotonicTime::max()) ArmTimer(next);
}

// ---- Who is joined ----

Duration WriteRound::Patience(MemberId member) const {
  return 2 * core_->health.HedgeDelay(member, Attempt::kWrite) + core_->options.hedge_delay_initial;
}

// An owner that is held dead is left to its fallback, until no further one is left to ask.
bool WriteRound::LeavesOut(const Node& node) const {
  return sloppy_ && !node.last_resort && node.role() == Role::kOwner && core_->Dead(node.member);
}

bool WriteRound::StandIn(size_t index) {
  nodes_[index].joined = true;
  const MemberId target = nodes_[index].target;
  if (!fallbacks_.has_value()) {
    fallbacks_ = FallbacksToAsk(*core_, key_.partition);
    tally_.AddCandidates(static_cast<int>(fallbacks_->size()));
  }
  // After the end it is for the third copy only: not worth asking everybody.
  const size_t owners = core_->ring->Owners(key_.partition).size();
  const size_t asked_max = finished_ ? std::min(owners, fallbacks_->size()) : fallbacks_->size();
  if (fallbacks_asked_ < asked_max) {
    nodes_.push_back({.member = (*fallbacks_)[fallbacks_asked_++], .target = target});
    Send(nodes_.size() - 1);
    return true;
  }
  // While W is missing, each owner left out would count as one more node, whoever keeps its hint (P10).
  for (size_t i = 1; i < nodes_.size(); ++i) {
    if (nodes_[i].sent || (finished_ && nodes_[i].member != target)) continue;
    nodes_[i].last_resort = true;
    Send(i);
  }
  return false;
}

void WriteRound::OnFailure(size_t index) {
  const Node& node = nodes_[index];
  if (!sloppy_ || object_ == nullptr || node.joined || IsForAll(node.error) || HasCopy(node.target)) return;
  // Calls that end with the deadline tell nothing.
  if (!finished_ && core_->env.clock.Now() >= deadline_) return;
  StandIn(index);
}

// Owners for whom nobody has to wait first.
void WriteRound::JoinAvoided() {
  if (core_->AllWell() || object_ == nullptr) return;
  ProbeAvoided(core_, key_, epoch_);
  if (!sloppy_) return;
  const auto avoided = [this](const Node& node) { return core_->Avoided(node.member); };
  // P39: if all owners are avoided, none is; but those held dead were not asked.
  const bool all = plan_.as_fallback && std::all_of(nodes_.begin() + 1, nodes_.end(), avoided);
  const auto may_be_late = [&](const Node& node) { return !avoided(node) || (all && !core_->Silent(node.member)); };
  for (size_t i = 1, asked = nodes_.size(); i < asked; ++i) {
    const Node& node = nodes_[i];
    if (node.state != State::kWaiting || node.joined || (node.sent && may_be_late(node))) continue;
    if (core_->GivenUp(node.member) || core_->hedge_budget.TryTake()) StandIn(i);
  }
}

// While the quorum is missing, whoever is later than usual is joined; afterwards whoever is much later. Each is a
// strike, in strict mode nothing else. Within the budget of hedges; it is free around those that are given up.
void WriteRound::JoinLate(MonotonicTime now) {
  for (size_t i = 1; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (node.state != State::kWaiting || !node.sent || node.joined) continue;
    if (finished_) node.due = std::max(node.due, node.sent_at + Patience(node.member));
    if (node.due > now) continue;
    const bool free = core_->GivenUp(node.member);
    if (!std::exchange(node.struck, true)) core_->OnStrike(node.member, node.sent_at, Attempt::kWrite);
    if (!sloppy_) {
      node.joined = true;
    } else if (free || core_->hedge_budget.TryTake()) {
      StandIn(i);
    } else {
      node.due = now + core_->health.HedgeDelay(node.member, Attempt::kWrite);
    }
  }
}

// ---- Who is given up ----

// Whether nobody is left to ask: each owner, and each fallback if they may stand in, has been sent the record.
bool WriteRound::AllAsked() const {
  if (sloppy_ && (!fallbacks_.has_value() || fallbacks_asked_ < fallbacks_->size())) return false;
  return std::all_of(nodes_.begin() + 1, nodes_.end(),
                     [](const Node& node) { return node.sent || node.state != State::kWaiting; });
}

// Each is asked, and given its time, by this very write: an opinion alone refuses nothing that would succeed. But of
// one that is silent all requests together have waited long enough.
MonotonicTime WriteRound::LeaveAt(const Node& node) const {
  const Duration delay = core_->health.HedgeDelay(node.member, Attempt::kWrite);
  return node.sent_at + (core_->Silent(node.member) ? delay : std::max<Duration>(kPatienceMin, 2 * delay));
}

// The client can ask where others are in reach. Who is late, and answers something, is waited for.
void WriteRound::LeaveOutOfReach(MonotonicTime now) {
  if (!sending_ || !AllAsked()) return;
  for (size_t i = 1; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    // One that is known to hold the record was not sent it.
    const bool open = node.state == State::kWaiting && !node.left && node.sent_at != MonotonicTime{};
    if (!open || !core_->OutOfReach(node.member) || now < LeaveAt(node)) continue;
    node.left = true;
    tally_.AddFailure(node.member);
  }
}

// ---- After the end ----

bool WriteRound::HasCopy(MemberId owner) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [owner](const Node& node) { return node.target == owner && node.state == State::kDurable; });
}

bool WriteRound::Lingers() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [this](const Node& node) {
    return node.state == State::kWaiting && node.sent && !HasCopy(node.target);
  });
}

void WriteRound::Release() {
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  lingering_.reset();
  object_.reset();
}

}  // namespace henge
