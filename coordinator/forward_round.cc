#include "coordinator/forward_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/fallbacks.h"
#include "coordinator/probe.h"
#include "coordinator/replies.h"

namespace henge {
namespace {

// Beyond what the owner itself may wait before it asks a fallback to stand in.
constexpr Duration kMutationPatience = std::chrono::milliseconds(100);

absl::StatusOr<ForwardReply> AsForwardReply(absl::StatusOr<PeerReply> reply) {
  if (!reply.ok()) return std::move(reply).status();
  if (auto* forward = std::get_if<ForwardReply>(&*reply)) return std::move(*forward);
  return absl::InternalError("the peer answered a forwarded request with another kind of reply");
}

// An owner that refused before it asked any replica: another one may serve the request. A full disk is such a refusal
// (P37), a queue of requests that is full is not: more load elsewhere doesn't help.
bool RefusedAtOnce(const ClientReply& reply) {
  const bool disk_full = absl::IsResourceExhausted(reply.status) && reply.retry_after_ms == 0;
  return (absl::IsUnavailable(reply.status) || disk_full) && reply.facts.needed == 0;
}

}  // namespace

ForwardRound::ForwardRound(CorePtr core, ClientRequest request, RecordKey key, bool strict, MonotonicTime deadline)
    : core_(std::move(core)),
      request_(std::move(request)),
      key_(std::move(key)),
      deadline_(deadline),
      sloppy_(!strict && core_->hints != nullptr) {}

std::shared_ptr<ForwardRound> ForwardRound::Start(CorePtr core, ClientRequest request, RecordKey key, bool strict,
                                                  MonotonicTime deadline) {
  auto round = std::make_shared<ForwardRound>(std::move(core), std::move(request), std::move(key), strict, deadline);
  round->ListOwners();
  ProbeAvoided(round->core_, round->key_, round->core_->ring->Epoch(round->key_.partition));
  round->next_ = round->Next();
  round->AskNext();
  return round;
}

// If a fallback can take the request, nobody waits for owners that are out of reach or disqualified; but of those that
// are merely late one is asked if no other is left (P39).
void ForwardRound::ListOwners() {
  for (MemberId owner : core_->ring->Owners(key_.partition)) {
    if (owner != core_->options.self) owners_.push_back(owner);
  }
  core_->health.OrderByPreference(owners_, key_.partition.value() * 0x9E3779B1u >> 16);
  if (core_->AllWell()) return;
  auto away =
      std::stable_partition(owners_.begin(), owners_.end(), [this](MemberId m) { return !core_->OutOfReach(m); });
  if (!sloppy_) return;
  owners_.erase(away, owners_.end());
  const auto kept =
      std::find_if(owners_.begin(), owners_.end(), [this](MemberId m) { return core_->health.Disqualified(m); });
  // The preference puts disqualified ones last.
  if (kept != owners_.end()) owners_.erase(kept == owners_.begin() ? kept + 1 : kept, owners_.end());
}

std::optional<MemberId> ForwardRound::Next() {
  const size_t asked = attempts_.size();
  if (asked < owners_.size()) return owners_[asked];
  if (!sloppy_) return std::nullopt;
  std::optional<MemberId> next = NextCoordinator(*core_, key_.partition, fallbacks_tried_);
  if (next.has_value()) fallbacks_tried_.push_back(*next);
  return next;
}

// A read that is late is cheap to ask elsewhere; a write there starts with a read for its op_id.
Duration ForwardRound::Patience(MemberId member, MonotonicTime now) const {
  const Duration read = 2 * core_->health.HedgeDelay(member) + core_->options.hedge_delay_initial;
  if (request_.op == ClientOp::kGet) return read;
  if (!sloppy_ && !core_->OutOfReach(member)) return std::max(kMutationPatience, (deadline_ - now) / 3);
  return read + 2 * core_->health.HedgeDelay(member, CoordinatorCore::Attempt::kWrite) + kMutationPatience;
}

ClientRequest ForwardRound::RequestHere() const {
  ClientRequest request = request_;
  request.budget = std::max(Duration{1}, deadline_ - core_->env.clock.Now());
  if (may_have_run_ && request_.op != ClientOp::kGet) request.retry = true;
  return request;
}

// Asks next_, if there is one.
void ForwardRound::AskNext() {
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  const MonotonicTime now = core_->env.clock.Now();
  if (!next_.has_value()) {
    last_error_ = MakeReply(*core_, absl::UnavailableError("no owner of the key and no fallback can be reached"),
                            Outcome::kNotApplied);
    Finish(std::move(last_error_));
    return;
  }
  const MemberId member = *std::exchange(next_, std::nullopt);
  if (member == core_->options.self) {
    here_ = true;
    done_.Set({.here = true});
    return;
  }
  const size_t index = attempts_.size();
  const bool as_fallback = index >= owners_.size();
  attempts_.push_back({.member = member, .sent_at = now, .as_fallback = as_fallback});
  ++open_;
  core_->env.transport.Call(
      member, ForwardRequest{.request = RequestHere(), .as_fallback = as_fallback}, deadline_,
      [round = shared_from_this(), index](absl::StatusOr<PeerReply> reply) { round->OnPeer(index, std::move(reply)); });
  ArmTimer();
}

void ForwardRound::ArmTimer() {
  const MonotonicTime now = core_->env.clock.Now();
  const MonotonicTime when = std::min(deadline_, now + Patience(attempts_.back().member, now));
  timer_ = core_->env.executor.RunAt(when, [round = shared_from_this()] { round->OnTimer(); });
}

bool ForwardRound::NobodyInReach() const {
  const MonotonicTime sent_before = core_->env.clock.Now() - kPatienceMin;
  return std::all_of(attempts_.begin(), attempts_.end(), [this, sent_before](const Attempt& a) {
    return a.ended || (a.sent_at <= sent_before && core_->OutOfReach(a.member));
  });
}

std::optional<ClientReply> ForwardRound::EndHere(ClientReply reply) {
  here_ = false;
  const Attempt self{.member = core_->options.self, .as_fallback = true};
  if (!Undone(self, reply)) {
    finished_ = true;
    return Judged(std::move(reply));
  }
  done_ = {};
  const bool no_room = absl::IsResourceExhausted(reply.status);
  last_error_ = std::move(reply);
  TryNext(/*free=*/no_room);
  return std::nullopt;
}

void ForwardRound::OnTimer() {
  timer_.reset();
  if (finished_ || core_->stopped()) return;
  if (core_->env.clock.Now() >= deadline_) {
    const Outcome outcome = request_.op == ClientOp::kGet ? Outcome::kNotApplied : Outcome::kUnknown;
    Finish(MakeReply(
        *core_,
        absl::DeadlineExceededError(absl::StrCat("no owner of the key answered in time, ", attempts_.size(), " asked")),
        outcome));
    return;
  }
  Attempt& late = attempts_.back();
  const bool free = core_->GivenUp(late.member);
  if (!std::exchange(late.struck, true)) core_->OnStrike(late.member, late.sent_at);
  may_have_run_ = true;
  if (CanAskNext(free)) {
    AskNext();
  } else if (!next_.has_value() && NobodyInReach()) {
    // The client can ask where they are.
    Finish(MakeReply(
        *core_,
        absl::UnavailableError(absl::StrCat("no owner of the key can be reached, ", attempts_.size(), " asked")),
        Outcome::kNotApplied));
  } else {
    // The budget refills, and is not needed to go around one that is disqualified by then.
    ArmTimer();
  }
}

void ForwardRound::OnPeer(size_t index, absl::StatusOr<PeerReply> peer_reply) {
  if (core_->stopped()) return;
  core_->OnReply(attempts_[index].member, peer_reply.status());
  if (finished_) return;
  attempts_[index].ended = true;
  --open_;
  if (here_) return;
  absl::StatusOr<ForwardReply> reply = AsForwardReply(std::move(peer_reply));
  if (reply.ok()) {
    OnReply(index, std::move(reply->reply));
  } else {
    OnFailure(index, reply.status());
  }
}

// Whether another node may do what this one refused. A fallback that can keep no hint sends on to the next one (P17).
bool ForwardRound::Undone(const Attempt& attempt, const ClientReply& reply) const {
  if (RefusedAtOnce(reply)) return true;
  const bool no_room = absl::IsResourceExhausted(reply.status) && reply.retry_after_ms == 0;
  return attempt.as_fallback && no_room && reply.outcome == Outcome::kNotApplied;
}

void ForwardRound::OnReply(size_t index, ClientReply reply) {
  const Attempt& attempt = attempts_[index];
  if (Undone(attempt, reply)) {
    const bool no_room = attempt.as_fallback && absl::IsResourceExhausted(reply.status);
    last_error_ = std::move(reply);
    TryNext(/*free=*/no_room);
    return;
  }
  Finish(std::move(reply));
}

void ForwardRound::OnFailure(size_t index, const absl::Status& status) {
  Attempt& attempt = attempts_[index];
  const bool not_sent = absl::IsResourceExhausted(status);  // the queue to this peer is full (P39)
  const bool given_up = core_->GivenUp(attempt.member);
  if (!not_sent) may_have_run_ = true;
  if (!absl::IsDeadlineExceeded(status) && !std::exchange(attempt.struck, true)) {
    core_->OnStrike(attempt.member, attempt.sent_at);
  }
  const std::string text =
      absl::StrCat("forwarding to ", core_->NameOf(attempt.member), attempt.as_fallback ? ", a fallback" : ", an owner",
                   " of the key, failed: ", status.ToString());
  last_error_ = MakeReply(*core_, absl::UnavailableError(text), Outcome::kNotApplied);
  TryNext(not_sent || given_up);
}

bool ForwardRound::CanAskNext(bool free) {
  if (!next_.has_value()) next_ = Next();
  return next_.has_value() && (free || core_->retry_budget.TryTake());
}

void ForwardRound::TryNext(bool free) {
  if (CanAskNext(free)) {
    AskNext();
  } else if (open_ == 0) {
    Finish(std::move(last_error_));
  } else if (!timer_.has_value()) {
    ArmTimer();
  }
}

// Another node may have done what the one that answered refused.
ClientReply ForwardRound::Judged(ClientReply reply) const {
  const bool mutation = request_.op != ClientOp::kGet;
  if (mutation && may_have_run_ && reply.outcome == Outcome::kNotApplied) reply.outcome = Outcome::kUnknown;
  return reply;
}

void ForwardRound::Finish(ClientReply reply) {
  finished_ = true;
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  // P17: at last it is the cluster that has no room, not this request that is wrong.
  if (absl::IsResourceExhausted(reply.status) && reply.retry_after_ms == 0 && !fallbacks_tried_.empty()) {
    reply.status = absl::UnavailableError(
        absl::StrCat("no owner of the key can be reached, and no fallback has room: ", reply.status.ToString()));
  }
  done_.Set({.reply = Judged(std::move(reply))});
}

}  // namespace henge
