// What only the worker on a thread has: other threads. The rest is tests/contract/batch_worker_contract_test.cc.
#include "node/real/batch_worker_thread.h"

#include <array>
#include <future>
#include <thread>

namespace henge {
namespace {

struct Item : WorkItem {
  Item(size_t t, int n) : thread(t), number(n) {}
  size_t thread;
  int number;
};
using Batch = std::vector<std::unique_ptr<WorkItem>>;

TEST(BatchWorkerThreadTest, HandlesItemsOfManyThreadsOnceEachAndInTheirOrder) {
  constexpr size_t kThreads = 4;
  constexpr int kItems = 20'000;
  std::array<int, kThreads> next{};  // the worker's
  int disorder = 0;
  BatchWorkerThread worker("test", [&](Batch batch) {
    for (const auto& item : batch) {
      const auto& it = static_cast<const Item&>(*item);
      if (next[it.thread] != it.number) ++disorder;
      next[it.thread] = it.number + 1;
    }
  });
  std::vector<std::thread> submitters;
  for (size_t t = 0; t < kThreads; ++t) {
    submitters.emplace_back([&worker, t] {
      for (int i = 0; i < kItems; ++i) worker.Submit(std::make_unique<Item>(t, i));
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  worker.Stop();
  EXPECT_EQ(disorder, 0);
  for (const int count : next) EXPECT_EQ(count, kItems);
}

TEST(BatchWorkerThreadTest, EveryStopperReturnsAfterTheLastItem) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> handled = 0;
  BatchWorkerThread worker("test", [&](Batch batch) {
    released.wait();
    handled += static_cast<int>(batch.size());
  });
  for (int i = 0; i < 10; ++i) worker.Submit(std::make_unique<Item>(0, i));
  std::vector<std::thread> stoppers;
  for (int i = 0; i < 3; ++i) {
    stoppers.emplace_back([&] {
      worker.Stop();
      EXPECT_EQ(handled, 10);
    });
  }
  release.set_value();
  for (std::thread& stopper : stoppers) stopper.join();
}

TEST(BatchWorkerThreadTest, WakesForEveryItem) {
  std::promise<void>* waiting = nullptr;
  BatchWorkerThread worker("test", [&](Batch) { waiting->set_value(); });
  for (int i = 0; i < 2000; ++i) {
    std::promise<void> handled;
    waiting = &handled;
    worker.Submit(std::make_unique<Item>(0, i));
    handled.get_future().wait();
  }
}

using SteadyTime = std::chrono::steady_clock::time_point;

// Handles each batch for a few milliseconds, and remembers when.
struct Periods {
  std::vector<SteadyTime> begun, ended;

  BatchWorker::Handler Handler() {
    return [this](Batch) {
      begun.push_back(std::chrono::steady_clock::now());
      while (std::chrono::steady_clock::now() - begun.back() < std::chrono::milliseconds(3)) std::this_thread::yield();
      ended.push_back(std::chrono::steady_clock::now());
    };
  }
};

std::unique_ptr<Item> Awaited(uint32_t waiting) {
  auto item = std::make_unique<Item>(0, 0);
  item->waiting = waiting;
  return item;
}

TEST(BatchWorkerThreadTest, ABatchMayGrowAfterOneThatManyWaitedFor) {
  constexpr size_t kBatches = 5;
  Periods periods;
  std::promise<void> enough;
  std::atomic<bool> over = false;
  BatchWorkerThread worker("test", [&, handle = periods.Handler()](Batch batch) mutable {
    handle(std::move(batch));
    if (periods.begun.size() == kBatches) enough.set_value();
  });
  std::thread submitter([&] {
    while (!over) worker.Submit(Awaited(8)), std::this_thread::sleep_for(std::chrono::microseconds(100));
  });
  enough.get_future().wait();
  over = true;
  submitter.join();
  worker.Stop();
  for (size_t i = 1; i < kBatches; ++i) {
    EXPECT_GE(periods.begun[i] - periods.ended[i - 1], std::chrono::microseconds(1900)) << i;
  }
}

TEST(BatchWorkerThreadTest, StopDoesNotWaitForABatchToGrow) {
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> handled = 0;
    BatchWorkerThread worker("test", [&](Batch batch) { handled += static_cast<int>(batch.size()); });
    for (int n = 0; n < 50; ++n) worker.Submit(Awaited(8));
    worker.Stop();
    EXPECT_EQ(handled, 50);
  }
}

}  // namespace
}  // namespace henge
