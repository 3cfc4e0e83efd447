#include "client/src/dispatcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/text.h"
#include "client/src/wire.h"

namespace henge::sdk {
namespace {

absl::Status Cancelled() { return absl::CancelledError("the client was closed while the call was under way"); }

void NoteTried(Call& call, const Connection* connection) {
  call.tried[static_cast<size_t>(call.attempts - 1) % call.tried.size()] = connection;
}

// What the user sees of an error: with what the client did about it.
absl::Status WithAttempts(const absl::Status& status, int attempts) {
  if (attempts <= 1) return status;
  return absl::Status(status.code(), absl::StrCat(status.message(), " (tried ", attempts, " times)"));
}

// Codes by which a node refuses a call that its cluster state doesn't allow for.
bool IsRefusal(absl::StatusCode code) {
  return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kFailedPrecondition;
}

absl::Status Expired(const Call& call, std::string_view address) {
  std::string message = absl::StrCat("no answer from ", AbslText(address), " before the deadline");
  if (!call.last_error.ok()) absl::StrAppend(&message, "; before that: ", call.last_error.message());
  return absl::DeadlineExceededError(message);
}

}  // namespace

bool Dispatcher::Admit(CallPtr& call) {
  absl::Status refusal = CheckCall(*call);
  if (refusal.ok() && call->deadline <= call->started) {
    refusal = absl::DeadlineExceededError("the call's timeout is not positive: give it time");
  }
  size_t calls = in_flight_.fetch_add(1, std::memory_order_relaxed);
  size_t bytes = in_flight_bytes_.fetch_add(call->bytes(), std::memory_order_relaxed);
  if (refusal.ok() && calls >= options_.in_flight_max) {
    refusal = absl::ResourceExhaustedError(absl::StrCat(calls, " calls are in flight, at most ", options_.in_flight_max,
                                                        " may be: wait for some to end, or raise in_flight_max"));
  }
  if (refusal.ok() && bytes + call->bytes() > options_.in_flight_bytes_max && calls > 0) {
    refusal =
        absl::ResourceExhaustedError(absl::StrCat(bytes, " bytes are in flight, at most ", options_.in_flight_bytes_max,
                                                  " may be: wait for some calls to end, or raise "
                                                  "in_flight_bytes_max"));
  }
  if (refusal.ok()) return true;
  EndSoon(loop_, std::move(call), std::move(refusal));
  return false;
}

void Dispatcher::Start(CallPtr call) {
  if (!Admit(call)) return;
  RingViewPtr view = topology_->view();
  Attempt(loop_, std::move(call), *view, Connection::When::kNow);
}

void Dispatcher::StartAll(std::vector<CallPtr> calls) {
  RingViewPtr view = topology_->view();
  std::vector<Connection*> used;
  for (CallPtr& call : calls) {
    if (!Admit(call)) continue;
    Connection* connection = Attempt(loop_, std::move(call), *view, Connection::When::kWithFlush);
    if (connection != nullptr && std::find(used.begin(), used.end(), connection) == used.end()) {
      used.push_back(connection);
    }
  }
  for (Connection* connection : used) connection->Flush();
}

Connection* Dispatcher::Attempt(IoLoop& loop, CallPtr call, const RingView& view, Connection::When when) {
  ++call->attempts;
  // Reading the clock is a good part of what a call costs.
  SteadyTime now = call->attempts == 1 ? call->started : SteadyClock::now();
  // A connection may break between the choice and the sending; it is no longer ready then.
  for (size_t i = 0; i <= view.all().size(); ++i) {
    Connection* connection = view.Choose(*call, now);
    if (connection == nullptr || closed_.load(std::memory_order_relaxed)) break;
    NoteTried(*call, connection);
    if (connection->Send(call, now, when)) return connection;
  }
  if (closed_.load()) {
    EndSoon(loop, std::move(call), Cancelled());
    return nullptr;
  }
  absl::Status status = absl::UnavailableError(absl::StrCat("no node is connected: ", topology_->WhyNone()));
  AttemptFailure failure = {.code = status.code(), .cause = AttemptFailure::Cause::kNotSent, .did_nothing = true};
  RetryOrEnd(loop, std::move(call), failure, std::move(status));
  return nullptr;
}

void Dispatcher::Again(IoLoop& loop, CallPtr call) {
  RingViewPtr view = topology_->view();
  Attempt(loop, std::move(call), *view, Connection::When::kNow);
}

void Dispatcher::OnReply(CallPtr call, Connection& from, v1::Reply& reply) {
  // An absent key is an answer like any other, and its context matters.
  const bool absent = !call->is_mutation() && StatusOf(reply).code() == absl::StatusCode::kNotFound;
  if (reply.code() == 0 || absent) {
    quota_.Refund();
    from.NoteSuccess();
    Release(*call);
    if (call->is_mutation()) {
      call->write_done(TakeWriteResult(reply, call->attempts));
    } else {
      call->read_done(TakeReadResult(reply, call->attempts));
    }
    return;
  }
  AttemptFailure failure;
  failure.code = StatusOf(reply).code();
  failure.retry_after = std::chrono::milliseconds(std::max<int64_t>(reply.retry_after_ms(), 0));
  // A read that no quorum was sought for was refused by the node itself.
  failure.did_nothing = call->is_mutation() ? OutcomeOf(reply) == Outcome::kNotApplied : reply.facts().needed() == 0;
  failure.read = !call->is_mutation();
  if (call->is_mutation() && !failure.did_nothing) call->maybe_applied = true;
  // What a node refuses by an older cluster state, a bucket that it has not heard of say, another one may serve.
  const bool behind = reply.facts().state_version() != 0 && reply.facts().state_version() < topology_->known_version();
  if (failure.did_nothing && behind && IsRefusal(failure.code)) failure.code = absl::StatusCode::kUnavailable;
  if (failure.did_nothing && IsTransient(failure.code)) from.Avoid(SteadyClock::now());
  if (!failure.did_nothing && IsTransient(failure.code)) from.NoteFailure(SteadyClock::now());
  RetryOrEnd(from.loop(), std::move(call), failure, StatusOf(reply));
}

void Dispatcher::OnLost(CallPtr call, Connection& from, const absl::Status& why) {
  if (call->is_mutation()) call->maybe_applied = true;
  RetryOrEnd(from.loop(), std::move(call), {.code = why.code(), .cause = AttemptFailure::Cause::kLost}, why);
}

void Dispatcher::OnLate(CallPtr call, Connection& from) {
  if (call->is_mutation()) call->maybe_applied = true;
  absl::Status status = absl::UnavailableError(absl::StrCat("no answer from ", AbslText(from.address())));
  const AttemptFailure failure{.code = status.code(), .cause = AttemptFailure::Cause::kLate};
  RetryOrEnd(from.loop(), std::move(call), failure, std::move(status));
}

void Dispatcher::OnExpired(CallPtr call, Connection& from) {
  if (call->is_mutation()) call->maybe_applied = true;
  absl::Status status = Expired(*call, from.address());
  End(std::move(call), std::move(status));
}

void Dispatcher::RetryOrEnd(IoLoop& loop, CallPtr call, const AttemptFailure& failure, absl::Status status) {
  if (closed_.load()) return EndSoon(loop, std::move(call), Cancelled());
  SteadyTime now = SteadyClock::now();
  RetryVerdict verdict = DecideRetry(options_.retry, failure, call->attempts, call->deadline - now, random_.Next());
  if (!verdict.retry || (verdict.cost > 0 && !quota_.TryTake(verdict.cost))) {
    return EndSoon(loop, std::move(call), std::move(status));
  }
  call->last_error = std::move(status);
  if (verdict.delay == SteadyDuration::zero()) return Again(loop, std::move(call));
  loop.RunAt(now + verdict.delay, [this, &loop, call = std::move(call)]() mutable { Again(loop, std::move(call)); });
}

void Dispatcher::End(CallPtr call, absl::Status status) {
  Release(*call);
  status = WithAttempts(status, call->attempts);
  if (!call->is_mutation()) return call->read_done(std::move(status));
  WriteResult result;
  result.outcome = call->maybe_applied ? Outcome::kUnknown : Outcome::kNotApplied;
  result.status = std::move(status);
  result.facts.attempts = call->attempts;
  call->write_done(std::move(result));
}

// A user's function may start calls, but it must not run inside the function that it called to start one.
void Dispatcher::EndSoon(IoLoop& loop, CallPtr call, absl::Status status) {
  loop.Post([this, call = std::move(call), status = std::move(status)]() mutable {
    End(std::move(call), std::move(status));
  });
}

void Dispatcher::Release(const Call& call) {
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  in_flight_bytes_.fetch_sub(call.bytes(), std::memory_order_relaxed);
}

}  // namespace henge::sdk
