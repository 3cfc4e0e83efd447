#include "tests/sim/sim_worker.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace henge::sim {

class SimWorkerFactory::Worker final : public BatchWorker {
 public:
  Worker(SimWorkerFactory& factory, uint64_t id, SimRandom random, Handler handler)
      : factory_(factory), id_(id), random_(std::move(random)), handler_(std::move(handler)) {}
  ~Worker() override {
    Stop();
    std::erase(factory_.workers_, this);
  }

  void Submit(std::unique_ptr<WorkItem> item) override {
    if (stopped_) return;
    gathering_.push_back(std::move(item));
    Arrange();
  }

  void Stop() override {
    if (stopped_) return;
    stopped_ = true;
    CancelStep();
    if (!serving_.empty()) Handle(std::exchange(serving_, {}));
    if (!gathering_.empty()) Handle(std::exchange(gathering_, {}));
  }

  void Kill() {
    stopped_ = true;
    CancelStep();
    const Batch serving = std::exchange(serving_, {});
    const Batch gathering = std::exchange(gathering_, {});
  }

  void Pause() { CancelStep(); }
  void Resume() { Arrange(); }

 private:
  using Batch = std::vector<std::unique_ptr<WorkItem>>;

  SimScheduler& scheduler() { return factory_.scheduler_; }

  void CancelStep() {
    if (step_) scheduler().Cancel(*std::exchange(step_, std::nullopt));
  }

  // The worker's next step: finish the batch in service, or take one.
  void Arrange() {
    if (step_ || stopped_ || handling_ || factory_.paused_) return;
    const SimWorkerOptions& options = factory_.options_;
    if (!serving_.empty()) {
      const Duration service = options.service_time_min + random_.Exponential(options.service_time_mean);
      step_ = scheduler().After(service, [this] {
        step_.reset();
        Handle(std::exchange(serving_, {}));
        Arrange();
      });
    } else if (!gathering_.empty()) {
      step_ = scheduler().After(random_.Exponential(options.wake_delay_mean), [this] {
        step_.reset();
        serving_.swap(gathering_);
        Arrange();
      });
    }
  }

  void Handle(Batch batch) {
    scheduler().trace().Add(scheduler().now(), "Work", id_, batch.size());
    handling_ = true;
    handler_(std::move(batch));
    handling_ = false;
  }

  SimWorkerFactory& factory_;
  const uint64_t id_;
  SimRandom random_;
  Handler handler_;
  Batch gathering_;
  Batch serving_;
  std::optional<SimScheduler::EventId> step_;
  bool handling_ = false;
  bool stopped_ = false;
};

SimWorkerFactory::SimWorkerFactory(SimScheduler& scheduler, SimRandom random, uint64_t id, SimWorkerOptions options)
    : scheduler_(scheduler), random_(std::move(random)), id_(id), options_(options) {}

SimWorkerFactory::~SimWorkerFactory() = default;

std::unique_ptr<BatchWorker> SimWorkerFactory::MakeWorker(const char* name, BatchWorker::Handler handler) {
  auto worker = std::make_unique<Worker>(*this, (id_ << 8) + made_, random_.Split(name, made_), std::move(handler));
  ++made_;
  if (killed_) worker->Kill();
  workers_.push_back(worker.get());
  return worker;
}

void SimWorkerFactory::Kill() {
  killed_ = true;
  for (Worker* worker : workers_) worker->Kill();
}

void SimWorkerFactory::Pause() {
  paused_ = true;
  for (Worker* worker : workers_) worker->Pause();
}

void SimWorkerFactory::Resume() {
  paused_ = false;
  for (Worker* worker : workers_) worker->Resume();
}

}  // namespace henge::sim
