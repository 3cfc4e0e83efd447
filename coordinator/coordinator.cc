#include "coordinator/coordinator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/coordinator_core.h"
#include "coordinator/forward_round.h"
#include "coordinator/get_operation.h"
#include "coordinator/mutation_operation.h"
#include "coordinator/read_round.h"
#include "coordinator/replies.h"
#include "coordinator/request_checks.h"
#include "core/runtime/task.h"
#include "core/runtime/task_scope.h"

namespace henge {
namespace {

// How long a refused client is asked to wait, spread so that refused ones don't come back together.
constexpr int64_t kRetryAfterMinMs = 20;
constexpr uint64_t kRetryAfterSpreadMs = 60;

bool IsMutation(const ClientRequest& request) { return request.op != ClientOp::kGet; }

size_t BytesOf(const ClientRequest& request) {
  return request.key.size() + request.value.size() + request.context.size();
}

Task<ClientReply> RunHere(CorePtr core, ClientRequest request, CheckedRequest checked) {
  if (checked.as_fallback) ++core->figures.as_fallback;
  if (request.op == ClientOp::kGet) co_return co_await RunGet(core, std::move(checked));
  co_return co_await RunMutation(core, std::move(request), std::move(checked));
}

Task<ClientReply> RunForward(CorePtr core, ClientRequest request, CheckedRequest checked) {
  ++core->figures.forwarded;
  std::shared_ptr<ForwardRound> round =
      ForwardRound::Start(core, std::move(request), checked.key, checked.strict, checked.deadline);
  checked.as_fallback = true;
  for (;;) {
    const Completion<ForwardEnd> done = round->done();
    ForwardEnd end = co_await done;
    if (!end.here) co_return std::move(end.reply);
    ClientReply reply = co_await RunHere(core, round->RequestHere(), checked);
    std::optional<ClientReply> final = round->EndHere(std::move(reply));
    if (final.has_value()) co_return *std::move(final);
  }
}

absl::Status NoOwnerError(const CoordinatorCore& core) {
  return absl::FailedPreconditionError(
      absl::StrCat("stale routing: this node is no owner of the key in cluster state version ",
                   core.ring->version().value(), "; refresh the ring and ask an owner"));
}

Task<ClientReply> Run(CorePtr core, ClientRequest request, Via via) {
  absl::StatusOr<CheckedRequest> checked = CheckRequest(request, *core->ring, core->options, core->env.clock.Now());
  if (!checked.ok()) co_return MakeReply(*core, checked.status(), Outcome::kNotApplied);
  if (IsMutation(request) && request.op_id.IsNone()) {
    request.op_id = {core->env.random.Next64(), core->env.random.Next64()};
  }
  const bool owner = core->ring->IsOwner(checked->key.partition, core->options.self);
  // P37: an owner that takes no write is down to a sloppy one; another member coordinates it, if there is any.
  const bool refuses = owner && via == Via::kClient && IsMutation(request) && !checked->strict &&
                       core->hints != nullptr && core->ring->state().members.size() > 1 &&
                       !core->local.AdmitWrite(request.op == ClientOp::kDelete).ok();
  if (refuses) co_return co_await RunForward(core, std::move(request), *std::move(checked));
  if (!owner) {
    if (via == Via::kClient) co_return co_await RunForward(core, std::move(request), *std::move(checked));
    if (via == Via::kForwarded) co_return MakeReply(*core, NoOwnerError(*core), Outcome::kNotApplied);
    if (checked->strict || core->hints == nullptr) {
      const char* why = checked->strict ? "a strict request needs an owner" : "this node keeps no hints";
      co_return MakeReply(*core, absl::UnavailableError(absl::StrCat("no fallback here: ", why)), Outcome::kNotApplied);
    }
    checked->as_fallback = true;
  }
  co_return co_await RunHere(core, std::move(request), *std::move(checked));
}

void Count(const absl::Status& status, CoordinatorFigures* figures) {
  if (absl::IsUnavailable(status)) ++figures->quorum_failures;
  if (absl::IsDeadlineExceeded(status)) ++figures->deadline_exceeded;
}

// Owns the place in the bounds for as long as the request is in flight.
Task<void> Serve(CorePtr core, ClientRequest request, Via via, Coordinator::ReplyFn reply,
                 [[maybe_unused]] Admission::Ticket ticket) {
  ClientReply result = co_await Run(core, std::move(request), via);
  Count(result.status, &core->figures);
  reply(std::move(result));
}

}  // namespace

class Coordinator::Impl {
 public:
  Impl(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring, LocalHints* hints)
      : core_(std::make_shared<CoordinatorCore>(options, environment, local, std::move(ring), hints)) {
    core_->scope = &scope_;
  }
  ~Impl() {
    core_->scope = nullptr;
    core_->reads_of_turn.clear();  // they hold the core
  }

  void Handle(ClientRequest request, Via via, ReplyFn reply) {
    if (draining_) {
      reply(MakeReply(*core_, absl::UnavailableError("this node is shutting down: ask another one"),
                      Outcome::kNotApplied));
      return;
    }
    Admission::Ticket ticket = core_->admission.Enter(BytesOf(request));
    if (!ticket.admitted()) {
      ++core_->figures.refused;
      ClientReply refused = MakeReply(
          *core_, absl::ResourceExhaustedError("too many requests are in flight on this node: retry after the delay"),
          Outcome::kNotApplied);
      refused.retry_after_ms = kRetryAfterMinMs + static_cast<int64_t>(core_->env.random.Below(kRetryAfterSpreadMs));
      reply(std::move(refused));
      return;
    }
    CountStart(request.op);
    core_->hedge_budget.OnRequest();
    core_->retry_budget.OnRequest();
    if (!scope_.Spawn(Serve(core_, std::move(request), via, std::move(reply), std::move(ticket)))) {
      core_->env.tracer.Event(Severity::kError, "RequestDropped", {});
    }
  }

  void Drain(Closure idle) {
    draining_ = true;
    scope_.Close(std::move(idle));
  }

  CoordinatorFigures figures() const {
    CoordinatorFigures figures = core_->figures;
    figures.in_flight = static_cast<uint64_t>(core_->admission.count());
    return figures;
  }

  CoordinatorCore& core() { return *core_; }

 private:
  void CountStart(ClientOp op) {
    if (op == ClientOp::kGet) ++core_->figures.gets;
    if (op == ClientOp::kPut) ++core_->figures.puts;
    if (op == ClientOp::kDelete) ++core_->figures.deletes;
  }

  CorePtr core_;
  bool draining_ = false;
  TaskScope scope_;  // last: its frames go before what they refer to
};

Coordinator::Coordinator(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring,
                         LocalHints* hints)
    : impl_(std::make_unique<Impl>(options, environment, local, std::move(ring), hints)) {}

Coordinator::~Coordinator() = default;

void Coordinator::UpdateRing(RingPtr ring) { impl_->core().ring = std::move(ring); }

void Coordinator::UpdateLiveness(LivenessPtr liveness) {
  const auto dead = [](const LivenessSnapshot::Entry& entry) { return entry.liveness == Liveness::kDead; };
  impl_->core().any_dead = std::any_of(liveness->entries().begin(), liveness->entries().end(), dead);
  impl_->core().liveness = std::move(liveness);
}

void Coordinator::OnVerdict(VerdictFn tell) { impl_->core().tell_verdict = std::move(tell); }

void Coordinator::HearVerdict(MemberId member, bool disqualified) {
  impl_->core().health.OnVerdict(member, disqualified, impl_->core().env.clock.Now());
}

void Coordinator::Handle(ClientRequest request, Via via, ReplyFn reply) {
  impl_->Handle(std::move(request), via, std::move(reply));
}

void Coordinator::Drain(Closure idle) { impl_->Drain(std::move(idle)); }

CoordinatorFigures Coordinator::figures() const { return impl_->figures(); }

}  // namespace henge
