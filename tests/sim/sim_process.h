// The seams of one simulated process, from its start to its end or crash: what main() would have made of node/real and
// node/grpc. The node itself is built on top of it by the world, once for each process.
//
// A restart is a new SimProcess for the same member: new loops, new monotonic origin, new random streams; the network
// host and the disk are the world's and stay. Tearing down after a crash goes in this order: Crash(), then destroy what
// was built on top, then destroy this.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/runtime/environment.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_executor.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_tracer.h"
#include "tests/sim/sim_transport.h"
#include "tests/sim/sim_worker.h"

namespace henge::sim {

struct SimProcessOptions {
  MemberId member;
  uint64_t incarnation = 1;  // counts the starts of this member; part of every random stream's name
  int shards = 1;
  std::string name = "n1";
  SimClockOptions clock;
  SimLoopOptions loop;
  SimWorkerOptions worker;
  SimTransportOptions transport;  // self and shard are filled in
};

class SimProcess {
 public:
  // Starts the network host. `random` is the world's; the process takes streams of its own from it.
  SimProcess(SimScheduler& scheduler, SimNetwork& network, const SimRandom& random, std::vector<SeriousEvent>& serious,
             SimProcessOptions options);
  ~SimProcess();
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;

  ShardEnvironment environment(int shard);
  int shards() const { return static_cast<int>(shards_.size()); }
  MemberId member() const { return options_.member; }

  SimClock& clock() { return clock_; }
  SimTracer& tracer() { return tracer_; }
  SimWorkerFactory& workers() { return workers_; }
  SimExecutor& loop(int shard) { return *shards_[static_cast<size_t>(shard)]->loop; }
  std::vector<SimExecutor*> loops();
  SimTransport& transport(int shard) { return *shards_[static_cast<size_t>(shard)]->transport; }

  // The process is gone at this instant: nothing that it had posted, armed or handed to a worker will run, and the
  // network host stops. Not from inside one of its own turns: make the crash an event of the scheduler.
  void Crash(SimNetwork::StopKind kind);
  // The end of a clean shutdown, after the node has stopped: the same for the loops, by a stopped process's rules.
  void Exit() { Crash(SimNetwork::StopKind::kProcess); }
  bool running() const { return running_; }

  // SIGSTOP and SIGCONT: no turn and no worker runs between; messages and time go on.
  void Pause();
  void Resume();

 private:
  struct ShardParts {
    SimRandom random;
    std::unique_ptr<SimExecutor> loop;
    std::unique_ptr<SimTransport> transport;
  };

  SimScheduler& scheduler_;
  SimNetwork& network_;
  const SimProcessOptions options_;
  const SimRandom random_;
  SimClock clock_;
  SimTracer tracer_;
  SimWorkerFactory workers_;
  std::vector<std::unique_ptr<ShardParts>> shards_;
  bool running_ = true;
};

}  // namespace henge::sim
