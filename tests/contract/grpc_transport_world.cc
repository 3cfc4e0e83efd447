// The gRPC transport under the suite of transport_contract.cc: two processes' worth of it over loopback.
#include <thread>
#include <utility>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "core/runtime/check.h"
#include "node/grpc/channel_settings.h"
#include "node/grpc/peer_hub.h"
#include "node/grpc/peer_server.h"
#include "node/real/loop_executor.h"
#include "node/real/system_clock.h"
#include "tests/contract/signal.h"
#include "tests/contract/transport_contract.h"
#include "tests/free_address.h"

namespace henge::contract {
namespace {

class QuietTracer final : public Tracer {
 public:
  bool Enabled(Severity) const override { return false; }
  void Event(Severity, std::string_view, std::initializer_list<TraceField>) override {}
};

// The handler that a test brings after the server is up.
class ForwardingHandler final : public PeerHandler {
 public:
  void Use(PeerHandler* handler) { handler_ = handler; }
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override {
    handler_.load()->Handle(from, std::move(request), deadline, std::move(reply));
  }

 private:
  std::atomic<PeerHandler*> handler_ = nullptr;
};

RingPtr TwoMembers(const std::string& callee_address) {
  auto state =
      MakeInitialState("contract", 2, {{.name = "caller"}, {.name = "n-callee", .peer_address = callee_address}});
  HENGE_CHECK(state.ok());
  return std::make_shared<const Ring>(*std::move(state));
}

PeerIdentity IdentityOf(const Ring& ring, std::string_view name, uint64_t process) {
  PeerIdentity identity;
  identity.self = ring.state().FindMemberByName(name)->id;
  identity.store = StoreId(process + 1000);
  identity.process = process;
  identity.cluster = ring.cluster();
  identity.state_version = ring.version();
  identity.state_digest = ring.digest();
  return identity;
}

class GrpcTransportWorld final : public TransportWorld {
 public:
  explicit GrpcTransportWorld(TransportLimits limits) {
    address_ = FreeAddress();
    ring_ = TwoMembers(address_);
    callee_loop_.Start();
    caller_loop_.Start();
    server_ = std::make_unique<PeerServer>(
        IdentityOf(*ring_, "n-callee", 2), [ring = ring_] { return ring; },
        std::vector<PeerPort>{{&callee_loop_, &handler_}}, clock_, tracer_);
    grpc::ServerBuilder builder;
    ConfigureServer(&builder, kPeerFrameBytesMax, 16);
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    server_->Register(&builder);
    listener_ = builder.BuildAndStart();
    HENGE_CHECK(listener_ != nullptr);
    PeerHubOptions options;
    options.identity = IdentityOf(*ring_, "caller", 1);
    options.peers = {{callee(), "n-callee", address_}};
    options.calls_max = limits.calls_max;
    hub_ = std::make_unique<PeerHub>(std::move(options), std::vector<Executor*>{&caller_loop_}, clock_, tracer_);
    hub_->Connect();
  }

  ~GrpcTransportWorld() override {
    hub_->Stop();
    StopCallee();
    caller_loop_.Stop();
    caller_loop_.Join();
  }

  MemberId caller() const override { return ring_->state().FindMemberByName("caller")->id; }
  MemberId callee() const override { return ring_->state().FindMemberByName("n-callee")->id; }
  MemberId stranger() const override { return MemberId(99); }

  Transport& transport() override { return hub_->transport(0); }
  MonotonicTime CallerNow() const override { return clock_.Now(); }
  MonotonicTime CalleeNow() const override { return clock_.Now(); }
  void OnCallerLoop(Closure closure) override { HENGE_CHECK(caller_loop_.RunAndWait(std::move(closure))); }
  void OnCalleeLoop(Closure closure) override { HENGE_CHECK(callee_loop_.RunAndWait(std::move(closure))); }
  bool IsOnCallerLoop() const override { return caller_loop_.OnLoop(); }
  bool IsOnCalleeLoop() const override { return callee_loop_.OnLoop(); }
  void Serve(PeerHandler* handler) override { handler_.Use(handler); }

  bool AwaitTrue(std::function<bool()> done) override {
    const MonotonicTime limit = clock_.Now() + kPatience;
    while (!done()) {
      if (clock_.Now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  void Pass(Duration span) override { std::this_thread::sleep_for(span); }

  void BreakConnection() override { hub_->Drop(); }

  void StopCallee() override {
    if (listener_ == nullptr) return;
    server_->Close();
    listener_->Shutdown(std::chrono::system_clock::now());
    listener_.reset();
    callee_loop_.Stop();
    callee_loop_.Join();
  }

 private:
  SystemClock clock_;
  QuietTracer tracer_;
  ForwardingHandler handler_;
  LoopExecutor caller_loop_{clock_, {.name = "caller"}};
  LoopExecutor callee_loop_{clock_, {.name = "callee"}};
  std::string address_;
  RingPtr ring_;
  std::unique_ptr<PeerServer> server_;
  std::unique_ptr<grpc::Server> listener_;
  std::unique_ptr<PeerHub> hub_;
};

}  // namespace

std::unique_ptr<TransportWorld> MakeTransportWorld(TransportLimits limits) {
  return std::make_unique<GrpcTransportWorld>(limits);
}

}  // namespace henge::contract
