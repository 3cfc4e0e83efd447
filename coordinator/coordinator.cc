#include "coordinator/coordinator.h"

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

Task<ClientReply> RunForward(CorePtr core, ClientRequest request, CheckedRequest checked) {
  ++core->figures.forwarded;
  std::shared_ptr<ForwardRound> round =
      ForwardRound::Start(core, std::move(request), std::move(checked.key), checked.deadline);
  co_return co_await round->done();
}

Task<ClientReply> Run(CorePtr core, ClientRequest request, bool forwarded) {
  absl::StatusOr<CheckedRequest> checked = CheckRequest(request, *core->ring, core->options, core->env.clock.Now());
  if (!checked.ok()) co_return MakeReply(*core, checked.status(), Outcome::kNotApplied);
  if (IsMutation(request) && request.op_id.IsNone()) {
    request.op_id = {core->env.random.Next64(), core->env.random.Next64()};
  }
  if (!core->ring->IsOwner(checked->key.partition, core->options.self)) {
    if (!forwarded) co_return co_await RunForward(core, std::move(request), *std::move(checked));
    co_return MakeReply(*core,
                        absl::FailedPreconditionError(
                            absl::StrCat("stale routing: this node is no owner of the key in cluster state version ",
                                         core->ring->version().value(), "; refresh the ring and ask an owner")),
                        Outcome::kNotApplied);
  }
  if (request.op == ClientOp::kGet) co_return co_await RunGet(core, *std::move(checked));
  co_return co_await RunMutation(core, std::move(request), *std::move(checked));
}

void Count(const absl::Status& status, CoordinatorFigures* figures) {
  if (absl::IsUnavailable(status)) ++figures->quorum_failures;
  if (absl::IsDeadlineExceeded(status)) ++figures->deadline_exceeded;
}

// Owns the place in the bounds for as long as the request is in flight.
Task<void> Serve(CorePtr core, ClientRequest request, bool forwarded, Coordinator::ReplyFn reply,
                 [[maybe_unused]] Admission::Ticket ticket) {
  ClientReply result = co_await Run(core, std::move(request), forwarded);
  Count(result.status, &core->figures);
  reply(std::move(result));
}

}  // namespace

class Coordinator::Impl {
 public:
  Impl(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring)
      : core_(std::make_shared<CoordinatorCore>(options, environment, local, std::move(ring))) {
    core_->scope = &scope_;
  }
  ~Impl() {
    core_->scope = nullptr;
    core_->reads_of_turn.clear();  // they hold the core
  }

  void Handle(ClientRequest request, bool forwarded, ReplyFn reply) {
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
    if (!scope_.Spawn(Serve(core_, std::move(request), forwarded, std::move(reply), std::move(ticket)))) {
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

Coordinator::Coordinator(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring)
    : impl_(std::make_unique<Impl>(options, environment, local, std::move(ring))) {}

Coordinator::~Coordinator() = default;

void Coordinator::UpdateRing(RingPtr ring) { impl_->core().ring = std::move(ring); }

void Coordinator::UpdateLiveness(LivenessPtr liveness) { impl_->core().liveness = std::move(liveness); }

void Coordinator::Handle(ClientRequest request, bool forwarded, ReplyFn reply) {
  impl_->Handle(std::move(request), forwarded, std::move(reply));
}

void Coordinator::Drain(Closure idle) { impl_->Drain(std::move(idle)); }

CoordinatorFigures Coordinator::figures() const { return impl_->figures(); }

}  // namespace henge
