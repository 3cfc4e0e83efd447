#include <atomic>
#include <deque>
#include <utility>

#include "client/bench/generator.h"
#include "client/bench/phase_watch.h"

namespace henge::bench {
namespace {

class ClosedLoop {
 public:
  ClosedLoop(const PhaseContext& context, const PhaseLimit& limit, uint32_t clients, int64_t start_ns)
      : context_(context),
        limit_(limit),
        end_ns_(WindowEndNs(limit, start_ns)),
        recorder_(kRecorderStripes, end_ns_),
        active_(clients) {
    for (uint32_t i = 0; i < clients; ++i) clients_.emplace_back(i, context.seed);
  }

  void Start() {
    for (LogicalClient& client : clients_) Go(client);
  }
  // The last access of any callback to this object is the one that makes this true.
  bool Rests() const { return active_.load(std::memory_order_acquire) == 0; }
  const Recorder& recorder() const { return recorder_; }

 private:
  // An operation may end before the call that started it returns, on the same thread or another. Whoever comes second,
  // the callback or the return, carries the client on: no recursion, and one operation in flight.
  enum class Turn : uint8_t { kCalling, kReturned, kEnded };

  struct LogicalClient {
    LogicalClient(uint32_t number, uint64_t seed) : number(number), rng(seed * 0x100000001b3u + number) {}
    const uint32_t number;
    Rng rng;
    OpKind kind = OpKind::kGet;
    int64_t begun_ns = 0;
    std::atomic<Turn> turn{Turn::kCalling};
  };

  bool Claim() {
    if (limit_.duration_ns > 0) return context_.time.NowNs() < end_ns_;
    return claimed_.fetch_add(1, std::memory_order_relaxed) < limit_.ops;
  }

  void Go(LogicalClient& client) {
    while (Claim()) {
      client.turn.store(Turn::kCalling, std::memory_order_relaxed);
      Call(client);
      if (client.turn.exchange(Turn::kReturned, std::memory_order_acq_rel) != Turn::kEnded) return;
    }
    active_.fetch_sub(1, std::memory_order_release);
  }

  void Call(LogicalClient& client) {
    const Op op = context_.ops.Next(client.rng);
    const std::string key = KeyName(context_.key_prefix, op.index);
    auto done = [this, &client](OpOutcome outcome) { End(client, outcome); };
    client.kind = op.kind;
    client.begun_ns = context_.time.NowNs();
    if (op.kind == OpKind::kGet) {
      context_.target.AsyncGet(op.index, key, std::move(done));
    } else {
      context_.target.AsyncPut(op.index, key, op.value, std::move(done));
    }
  }

  void End(LogicalClient& client, const OpOutcome& outcome) {
    recorder_.Record(client.number, client.kind, client.begun_ns, context_.time.NowNs(), outcome);
    if (client.turn.exchange(Turn::kEnded, std::memory_order_acq_rel) == Turn::kReturned) Go(client);
  }

  const PhaseContext& context_;
  const PhaseLimit& limit_;
  const int64_t end_ns_;
  Recorder recorder_;
  std::deque<LogicalClient> clients_;
  std::atomic<uint64_t> claimed_{0};
  std::atomic<uint32_t> active_;
};

}  // namespace

PhaseStats RunClosedLoop(const PhaseContext& context, const PhaseLimit& limit, uint32_t clients) {
  const int64_t start_ns = context.time.NowNs();
  ClosedLoop loop(context, limit, clients, start_ns);
  PhaseWatch watch(context, limit, loop.recorder(), start_ns);
  loop.Start();
  watch.Await(kEndPollNs, [&loop] { return loop.Rests(); });
  return FinishPhase(loop.recorder(), limit, start_ns);
}

}  // namespace henge::bench
