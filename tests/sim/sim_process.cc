#include "tests/sim/sim_process.h"

#include <utility>

namespace henge::sim {
namespace {

// Names a loop or a worker of one process in the trace.
uint64_t TraceId(const SimProcessOptions& options, uint64_t part) {
  return (uint64_t{options.member.value()} << 32) | (options.incarnation << 16) | part;
}
constexpr uint64_t kWorkersPart = 0xFFFF;

}  // namespace

SimProcess::SimProcess(SimScheduler& scheduler, SimNetwork& network, const SimRandom& random,
                       std::vector<SeriousEvent>& serious, SimProcessOptions options)
    : scheduler_(scheduler),
      network_(network),
      options_(std::move(options)),
      random_(random.Split("process", options_.member.value()).Split("incarnation", options_.incarnation)),
      clock_(scheduler, options_.clock),
      tracer_(scheduler, options_.name, serious),
      workers_(scheduler, random_.Split("workers"), TraceId(options_, kWorkersPart), options_.worker) {
  scheduler_.trace().Add(scheduler_.now(), "ProcessStart", options_.member.value(), options_.incarnation);
  network_.StartHost(HostOf(options_.member));
  for (int shard = 0; shard < options_.shards; ++shard) {
    const auto part = static_cast<uint64_t>(shard);
    auto parts = std::make_unique<ShardParts>(ShardParts{random_.Split("shard", part), nullptr, nullptr});
    parts->loop = std::make_unique<SimExecutor>(scheduler_, clock_, random_.Split("loop", part),
                                                TraceId(options_, part), options_.loop);
    SimTransportOptions transport = options_.transport;
    transport.self = options_.member;
    transport.shard = shard;
    parts->transport = std::make_unique<SimTransport>(network_, *parts->loop, clock_, random_.Split("transport", part),
                                                      std::move(transport));
    shards_.push_back(std::move(parts));
  }
}

SimProcess::~SimProcess() {
  if (running_) Crash(SimNetwork::StopKind::kProcess);
}

ShardEnvironment SimProcess::environment(int shard) {
  ShardParts& parts = *shards_[static_cast<size_t>(shard)];
  return ShardEnvironment{clock_, *parts.loop, parts.random, *parts.transport, tracer_};
}

std::vector<SimExecutor*> SimProcess::loops() {
  std::vector<SimExecutor*> out;
  for (const auto& parts : shards_) out.push_back(parts->loop.get());
  return out;
}

void SimProcess::Crash(SimNetwork::StopKind kind) {
  if (!std::exchange(running_, false)) return;
  scheduler_.trace().Add(scheduler_.now(), "ProcessStop", options_.member.value(), options_.incarnation);
  network_.StopHost(HostOf(options_.member), kind);
  workers_.Kill();
  for (const auto& parts : shards_) parts->loop->Kill();
}

void SimProcess::Pause() {
  workers_.Pause();
  for (const auto& parts : shards_) parts->loop->Pause();
}

void SimProcess::Resume() {
  if (!running_) return;
  workers_.Resume();
  for (const auto& parts : shards_) parts->loop->Resume();
}

}  // namespace henge::sim
