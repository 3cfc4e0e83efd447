// What core/runtime/batch_worker.h promises, of the thread and of the simulated worker.
#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "node/real/batch_worker_thread.h"
#include "tests/contract/signal.h"
#include "tests/sim/sim_worker.h"

namespace henge::contract {
namespace {

class RealWorld {
 public:
  WorkerFactory& factory() { return factory_; }
  bool Await(const Signal& signal) { return signal.Await(); }

 private:
  ThreadWorkerFactory factory_;
};

class SimWorld {
 public:
  WorkerFactory& factory() { return factory_; }
  bool Await(const Signal& signal) { return signal.Await(scheduler_); }

 private:
  sim::SimScheduler scheduler_{1};
  sim::SimWorkerFactory factory_{scheduler_, sim::SimRandom(2), 1, {}};
};

struct Item : WorkItem {
  Item(int n, std::atomic<int>* d) : number(n), destroyed(d) {}
  ~Item() override { ++*destroyed; }
  int number;
  std::atomic<int>* destroyed;
};
using Batch = std::vector<std::unique_ptr<WorkItem>>;

template <class World>
class BatchWorkerContractTest : public ::testing::Test {
 protected:
  std::unique_ptr<WorkItem> NewItem(int number) { return std::make_unique<Item>(number, &destroyed_); }
  static std::vector<int> NumbersOf(const Batch& batch) {
    std::vector<int> out;
    for (const auto& item : batch) out.push_back(static_cast<const Item&>(*item).number);
    return out;
  }
  // A worker that notes the batches that it is given; `on_batch` runs in the handler.
  std::unique_ptr<BatchWorker> MakeWorker(absl::AnyInvocable<void()> on_batch = [] {}) {
    return world_.factory().MakeWorker("contract", [this, on_batch = std::move(on_batch)](Batch batch) mutable {
      EXPECT_FALSE(in_handler_.exchange(true));
      EXPECT_FALSE(batch.empty());
      batches_.push_back(NumbersOf(batch));
      on_batch();
      in_handler_ = false;
    });
  }
  std::vector<int> Handled() const {
    std::vector<int> out;
    for (const auto& batch : batches_) out.insert(out.end(), batch.begin(), batch.end());
    return out;
  }
  static std::vector<int> UpTo(int count) {
    std::vector<int> out;
    for (int i = 0; i < count; ++i) out.push_back(i);
    return out;
  }

  std::atomic<int> destroyed_ = 0;
  std::atomic<bool> in_handler_ = false;
  std::vector<std::vector<int>> batches_;  // the worker's; read after Stop() or a signal
  World world_;
};

using Worlds = ::testing::Types<RealWorld, SimWorld>;
TYPED_TEST_SUITE(BatchWorkerContractTest, Worlds);

TYPED_TEST(BatchWorkerContractTest, HandlesEverythingInOrderOfSubmission) {
  Signal last;
  int handled = 0;
  auto worker = this->MakeWorker([&] {
    handled += static_cast<int>(this->batches_.back().size());
    if (handled == 1000) last.Set();
  });
  for (int i = 0; i < 1000; ++i) worker->Submit(this->NewItem(i));
  ASSERT_TRUE(this->world_.Await(last));
  worker->Stop();
  EXPECT_EQ(this->Handled(), this->UpTo(1000));
  EXPECT_EQ(this->destroyed_, 1000);
}

TYPED_TEST(BatchWorkerContractTest, WhatIsSubmittedWhileItIsBusyIsOneBatch) {
  Signal second;
  BatchWorker* submit_to = nullptr;
  auto worker = this->MakeWorker([&] {
    if (this->batches_.size() == 1) {
      for (int i = 1; i <= 100; ++i) submit_to->Submit(this->NewItem(i));
    } else {
      second.Set();
    }
  });
  submit_to = worker.get();
  worker->Submit(this->NewItem(0));
  ASSERT_TRUE(this->world_.Await(second));
  worker->Stop();
  ASSERT_EQ(this->batches_.size(), 2u);
  EXPECT_EQ(this->batches_[0].size(), 1u);
  EXPECT_EQ(this->batches_[1].size(), 100u);
  EXPECT_EQ(this->Handled(), this->UpTo(101));
}

TYPED_TEST(BatchWorkerContractTest, StopWaitsForEverythingSubmitted) {
  auto worker = this->MakeWorker();
  for (int i = 0; i < 500; ++i) worker->Submit(this->NewItem(i));
  worker->Stop();
  EXPECT_EQ(this->Handled(), this->UpTo(500));
  worker->Stop();
  EXPECT_EQ(this->Handled(), this->UpTo(500));
}

TYPED_TEST(BatchWorkerContractTest, TheDestructorStops) {
  auto worker = this->MakeWorker();
  for (int i = 0; i < 10; ++i) worker->Submit(this->NewItem(i));
  worker.reset();
  EXPECT_EQ(this->Handled(), this->UpTo(10));
}

TYPED_TEST(BatchWorkerContractTest, DestroysUnhandledWhatComesAfterStop) {
  auto worker = this->MakeWorker();
  worker->Stop();
  worker->Submit(this->NewItem(0));
  EXPECT_EQ(this->destroyed_, 1);
  worker.reset();
  EXPECT_TRUE(this->batches_.empty());
}

TYPED_TEST(BatchWorkerContractTest, WorkersOfOneFactoryAreIndependent) {
  Signal first, second;
  auto a = this->world_.factory().MakeWorker("a", [&](Batch) { first.Set(); });
  auto b = this->world_.factory().MakeWorker("b", [&](Batch) { second.Set(); });
  a->Submit(this->NewItem(0));
  ASSERT_TRUE(this->world_.Await(first));
  EXPECT_FALSE(second.IsSet());
  a->Stop();
  b->Submit(this->NewItem(1));
  EXPECT_TRUE(this->world_.Await(second));
}

}  // namespace
}  // namespace henge::contract
