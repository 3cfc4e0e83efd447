// One request and one answer over gRPC, completed on a loop. For what is rare: the cluster state, scans.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "client/src/grpc_status.h"
#include "client/src/io_loop.h"

namespace henge::sdk {

template <class Reply>
class UnaryCall final : public IoTag, public Cancellable {
 public:
  using Done = absl::AnyInvocable<void(absl::Status, Reply&)>;

  // `start(context, cq)` prepares the call and starts it. `done` runs once, on the loop's thread.
  template <class Start>
  static void Run(IoLoop& loop, SteadyDuration timeout, Start start, Done done) {
    auto* call = new UnaryCall(loop, std::move(done));
    call->context_.set_deadline(ToGprTime(SteadyClock::now() + timeout));
    loop.OperationStarts();
    loop.Register(call);
    call->rpc_ = start(&call->context_, &loop.cq());
    call->rpc_->Finish(&call->reply_, &call->status_, static_cast<IoTag*>(call));
  }

  void Complete(bool) override {
    std::unique_ptr<UnaryCall> self(this);
    loop_.Unregister(this);
    done_(FromGrpc(status_), reply_);
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  UnaryCall(IoLoop& loop, Done done) : loop_(loop), done_(std::move(done)) {}

  IoLoop& loop_;
  Done done_;
  grpc::ClientContext context_;
  Reply reply_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> rpc_;

  friend struct std::default_delete<UnaryCall>;
  ~UnaryCall() = default;
};

}  // namespace henge::sdk
