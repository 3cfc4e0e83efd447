#include "node/real/batch_worker_thread.h"

#include <utility>

#include "core/runtime/check.h"
#include "node/real/thread_name.h"

namespace henge {

BatchWorkerThread::BatchWorkerThread(std::string name, Handler handler)
    : name_(std::move(name)), handler_(std::move(handler)), thread_([this] { Run(); }) {}

BatchWorkerThread::~BatchWorkerThread() { Stop(); }

void BatchWorkerThread::Submit(std::unique_ptr<WorkItem> item) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    gathering_.push_back(std::move(item));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) wake_.notify_one();
}

void BatchWorkerThread::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  std::lock_guard lock(join_mutex_);
  if (!thread_.joinable()) return;
  HENGE_CHECK(thread_.get_id() != std::this_thread::get_id());
  thread_.join();
}

void BatchWorkerThread::Run() {
  NameThisThread(name_);
  for (;;) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      while (gathering_.empty() && !stopping_) {
        sleeping_ = true;
        wake_.wait(lock);
      }
      sleeping_ = false;
      if (gathering_.empty()) return;
      batch.swap(gathering_);
    }
    handler_(std::move(batch));
  }
}

std::unique_ptr<BatchWorker> ThreadWorkerFactory::MakeWorker(const char* name, BatchWorker::Handler handler) {
  return std::make_unique<BatchWorkerThread>(name, std::move(handler));
}

}  // namespace henge
