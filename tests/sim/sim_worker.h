// The batch workers of one simulated process.
//
// A worker that has nothing to do takes what has gathered a short while after a Submit, is busy for a seeded time, then
// runs the handler on it as one event. What is submitted meanwhile is the next batch. Stop() handles what is left at
// once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/runtime/batch_worker.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

struct SimWorkerOptions {
  Duration wake_delay_mean = std::chrono::microseconds(20);     // from a Submit to an idle worker to its batch
  Duration service_time_min = std::chrono::microseconds(50);    // from taking a batch to its handler's effects: this,
  Duration service_time_mean = std::chrono::microseconds(300);  // and this much more on average
};

// Owned by the process; outlives the workers' owners. Kill() is the crash.
class SimWorkerFactory final : public WorkerFactory {
 public:
  SimWorkerFactory(SimScheduler& scheduler, SimRandom random, uint64_t id, SimWorkerOptions options);
  ~SimWorkerFactory() override;
  SimWorkerFactory(const SimWorkerFactory&) = delete;
  SimWorkerFactory& operator=(const SimWorkerFactory&) = delete;

  std::unique_ptr<BatchWorker> MakeWorker(const char* name, BatchWorker::Handler handler) override;

  // Destroys every item unhandled; no handler runs any more, neither does Stop() run one.
  void Kill();
  void Pause();
  void Resume();
  void SetOptions(SimWorkerOptions options) { options_ = options; }

 private:
  class Worker;
  friend class Worker;

  SimScheduler& scheduler_;
  const SimRandom random_;
  const uint64_t id_;
  SimWorkerOptions options_;
  std::vector<Worker*> workers_;  // in order of making; a worker takes itself off
  uint64_t made_ = 0;
  bool killed_ = false;
  bool paused_ = false;
};

}  // namespace henge::sim
