#include "node/real/batch_worker_thread.h"

#include <algorithm>
#include <utility>

#include "core/runtime/check.h"
#include "node/real/thread_name.h"

namespace henge {
namespace {

constexpr uint64_t kWaitingToGrow = 4;
constexpr int kPeriodsPerBatch = 4;
constexpr std::chrono::steady_clock::duration kGrowMax = std::chrono::milliseconds(2);

}  // namespace

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
      LetGrow(lock);
      batch.swap(gathering_);
    }
    waited_ = 0;
    for (const std::unique_ptr<WorkItem>& item : batch) waited_ += item->waiting;
    begun_ = std::chrono::steady_clock::now();
    handler_(std::move(batch));
    took_ = std::chrono::steady_clock::now() - begun_;
  }
}

void BatchWorkerThread::LetGrow(std::unique_lock<std::mutex>& lock) {
  if (waited_ < kWaitingToGrow) return;
  wake_.wait_until(lock, begun_ + std::min(took_ * kPeriodsPerBatch, took_ + kGrowMax), [this] { return stopping_; });
}

std::unique_ptr<BatchWorker> ThreadWorkerFactory::MakeWorker(const char* name, BatchWorker::Handler handler) {
  return std::make_unique<BatchWorkerThread>(name, std::move(handler));
}

}  // namespace henge
