#include "coordinator/forward_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/probe.h"
#include "coordinator/replies.h"

namespace henge {
namespace {

constexpr Duration kMutationPatienceMin = std::chrono::milliseconds(100);

absl::StatusOr<ForwardReply> AsForwardReply(absl::StatusOr<PeerReply> reply) {
  if (!reply.ok()) return std::move(reply).status();
  if (auto* forward = std::get_if<ForwardReply>(&*reply)) return std::move(*forward);
  return absl::InternalError("the peer answered a forwarded request with another kind of reply");
}

// An owner that refused before it asked any replica: another one may serve the request.
bool RefusedAtOnce(const ClientReply& reply) { return absl::IsUnavailable(reply.status) && reply.facts.needed == 0; }

}  // namespace

ForwardRound::ForwardRound(CorePtr core, ClientRequest request, RecordKey key, MonotonicTime deadline)
    : core_(std::move(core)), request_(std::move(request)), key_(std::move(key)), deadline_(deadline) {}

std::shared_ptr<ForwardRound> ForwardRound::Start(CorePtr core, ClientRequest request, RecordKey key,
                                                  MonotonicTime deadline) {
  auto round = std::make_shared<ForwardRound>(std::move(core), std::move(request), std::move(key), deadline);
  const auto owners = round->core_->ring->Owners(round->key_.partition);
  round->owners_.assign(owners.begin(), owners.end());
  round->core_->health.OrderByPreference(round->owners_, round->key_.partition.value() * 0x9E3779B1u >> 16);
  ProbeDisqualified(round->core_, round->key_, round->core_->ring->Epoch(round->key_.partition));
  round->AskNext();
  return round;
}

// A read that is late is cheap to ask elsewhere; a write there starts with a read for its op_id.
Duration ForwardRound::Patience(MemberId member, MonotonicTime now) const {
  if (request_.op == ClientOp::kGet) {
    return 2 * core_->health.HedgeDelay(member) + core_->options.hedge_delay_initial;
  }
  return std::max(kMutationPatienceMin, (deadline_ - now) / 3);
}

void ForwardRound::AskNext() {
  const MonotonicTime now = core_->env.clock.Now();
  const size_t index = attempts_.size();
  attempts_.push_back({.member = owners_[index], .sent_at = now});
  ++open_;
  ForwardRequest forward{.request = request_};
  forward.request.budget = deadline_ - now;
  if (may_have_run_ && request_.op != ClientOp::kGet) forward.request.retry = true;
  core_->env.transport.Call(
      owners_[index], std::move(forward), deadline_,
      [round = shared_from_this(), index](absl::StatusOr<PeerReply> reply) { round->OnPeer(index, std::move(reply)); });
  if (timer_.has_value()) core_->env.executor.Cancel(*timer_);
  const MonotonicTime when = std::min(deadline_, now + Patience(owners_[index], now));
  timer_ = core_->env.executor.RunAt(when, [round = shared_from_this()] { round->OnTimer(); });
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
  if (!std::exchange(late.struck, true)) core_->OnStrike(late.member, late.sent_at);
  may_have_run_ = true;
  if (attempts_.size() < owners_.size() && core_->retry_budget.TryTake()) {
    AskNext();
  } else {
    timer_ = core_->env.executor.RunAt(deadline_, [round = shared_from_this()] { round->OnTimer(); });
  }
}

void ForwardRound::OnPeer(size_t index, absl::StatusOr<PeerReply> peer_reply) {
  if (core_->stopped() || finished_) return;
  --open_;
  absl::StatusOr<ForwardReply> reply = AsForwardReply(std::move(peer_reply));
  if (reply.ok()) {
    OnReply(std::move(reply->reply));
  } else {
    OnFailure(index, reply.status());
  }
}

void ForwardRound::OnReply(ClientReply reply) {
  if (RefusedAtOnce(reply)) {
    last_error_ = std::move(reply);
    TryNext(/*free=*/false);
    return;
  }
  Finish(std::move(reply));
}

void ForwardRound::OnFailure(size_t index, const absl::Status& status) {
  Attempt& attempt = attempts_[index];
  const bool not_sent = absl::IsResourceExhausted(status);  // the queue to this peer is full (P39)
  if (!not_sent) may_have_run_ = true;
  if (!absl::IsDeadlineExceeded(status) && !std::exchange(attempt.struck, true)) {
    core_->OnStrike(attempt.member, attempt.sent_at);
  }
  const std::string text = absl::StrCat("forwarding to ", core_->NameOf(attempt.member),
                                        ", an owner of the key, failed: ", status.ToString());
  last_error_ = MakeReply(*core_, absl::UnavailableError(text), Outcome::kNotApplied);
  TryNext(not_sent);
}

void ForwardRound::TryNext(bool free) {
  const bool budgeted = attempts_.size() < owners_.size() && (free || core_->retry_budget.TryTake());
  if (budgeted) {
    AskNext();
  } else if (open_ == 0) {
    Finish(std::move(last_error_));
  }
}

void ForwardRound::Finish(ClientReply reply) {
  finished_ = true;
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  const bool mutation = request_.op != ClientOp::kGet;
  // Another owner may have done what the one that answered refused.
  if (mutation && may_have_run_ && reply.outcome == Outcome::kNotApplied) reply.outcome = Outcome::kUnknown;
  done_.Set(std::move(reply));
}

}  // namespace henge
