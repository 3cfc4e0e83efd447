// Batch workers as operating system threads: one thread each, for its whole life.
#pragma once

#include <condition_variable>
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
  using Batch = std::vector<std::unique_ptr<WorkItem>>;

  void Run();

  const std::string name_;
  Handler handler_;  // the thread's

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
