// The simulated transport under the suite of transport_contract.cc.
#include <utility>

#include "tests/contract/signal.h"
#include "tests/contract/transport_contract.h"
#include "tests/sim/sim_process.h"

namespace henge::contract {
namespace {

class SimTransportWorld final : public TransportWorld {
 public:
  explicit SimTransportWorld(TransportLimits limits)
      : network_(scheduler_, sim::SimRandom(3), {}), caller_(MakeProcess(1, limits)), callee_(MakeProcess(2, limits)) {}

  MemberId caller() const override { return caller_->member(); }
  MemberId callee() const override { return callee_->member(); }
  MemberId stranger() const override { return MemberId(99); }

  Transport& transport() override { return caller_->transport(0); }
  MonotonicTime CallerNow() const override { return caller_->clock().Now(); }
  MonotonicTime CalleeNow() const override { return callee_->clock().Now(); }
  void OnCallerLoop(Closure closure) override { RunOn(caller_->loop(0), std::move(closure)); }
  void OnCalleeLoop(Closure closure) override { RunOn(callee_->loop(0), std::move(closure)); }
  bool IsOnCallerLoop() const override { return caller_->loop(0).in_turn(); }
  bool IsOnCalleeLoop() const override { return callee_->loop(0).in_turn(); }

  void Serve(PeerHandler* handler) override { callee_->transport(0).Serve(handler); }

  bool AwaitTrue(std::function<bool()> done) override {
    return scheduler_.RunUntilTrue(done, scheduler_.now() + kPatience);
  }
  void Pass(Duration span) override { scheduler_.RunFor(span); }

  void BreakConnection() override {
    network_.BreakConnection(sim::HostOf(caller_->member()), sim::HostOf(callee_->member()));
  }
  void StopCallee() override { callee_->Crash(sim::SimNetwork::StopKind::kProcess); }

 private:
  std::unique_ptr<sim::SimProcess> MakeProcess(uint32_t member, TransportLimits limits) {
    sim::SimProcessOptions options;
    options.member = MemberId(member);
    options.name = "n" + std::to_string(member);
    // Their clocks have nothing in common but the speed.
    options.clock.monotonic_origin = std::chrono::hours(member * 1000);
    options.transport.calls_max = limits.calls_max;
    return std::make_unique<sim::SimProcess>(scheduler_, network_, sim::SimRandom(4), serious_, options);
  }
  void RunOn(Executor& loop, Closure closure) {
    Signal ran;
    loop.Post([&ran, closure = std::move(closure)]() mutable {
      closure();
      ran.Set();
    });
    EXPECT_TRUE(ran.Await(scheduler_));
  }

  sim::SimScheduler scheduler_{1};
  sim::SimNetwork network_;
  std::vector<sim::SeriousEvent> serious_;
  std::unique_ptr<sim::SimProcess> caller_;
  std::unique_ptr<sim::SimProcess> callee_;
};

}  // namespace

std::unique_ptr<TransportWorld> MakeTransportWorld(TransportLimits limits) {
  return std::make_unique<SimTransportWorld>(limits);
}

}  // namespace henge::contract
