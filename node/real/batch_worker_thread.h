// Batch workers as operating system threads: one thread each, for its whole life.
//
// While many requests wait for each batch, a worker is at work for at most a quarter of the time: what a batch costs
// however small it is, the sync above all, then serves more of them. The wait is bounded, and there is none where few
// requests are under way, who would only wait longer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/runtime/batch_worker.h"

namespace henge {

// Thread-safe, but for what batch_worker.h excludes. Owned by the one that asked the factory for it.
class BatchWorkerThread final : public BatchWorker {
 public:
  BatchWorkerThread(std::string name, Handler handler);
  ~BatchWorkerThread() override;
  BatchWorkerThread(const BatchWorkerThread&) = delete;
  BatchWorkerThread& operator=(const BatchWorkerThread&) = delete;

  void Submit(std::unique_ptr<WorkItem> item) override;
  void Stop() override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Batch = std::vector<std::unique_ptr<WorkItem>>;

  void Run();
  // Sleeps on while a batch may still grow.
  void LetGrow(std::unique_lock<std::mutex>& lock);

  const std::string name_;
  // The thread's:
  Handler handler_;
  SteadyTime begun_;  // the last batch
  std::chrono::steady_clock::duration took_{};
  uint64_t waited_ = 0;  // requests that waited for it

  std::mutex mutex_;
  std::condition_variable wake_;
  // Protected by mutex_:
  Batch gathering_;
  bool sleeping_ = false;
  bool stopping_ = false;

  std::mutex join_mutex_;  // one of several stoppers joins, the others wait for it
  std::thread thread_;
};

class ThreadWorkerFactory final : public WorkerFactory {
 public:
  // `name` is also the thread's.
  std::unique_ptr<BatchWorker> MakeWorker(const char* name, BatchWorker::Handler handler) override;
};

}  // namespace henge
