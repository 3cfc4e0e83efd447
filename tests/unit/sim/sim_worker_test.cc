// What only the simulated worker has: crashes and pauses. The rest is tests/contract/batch_worker_contract_test.cc.
#include "tests/sim/sim_worker.h"

namespace henge::sim {
namespace {

using std::chrono::seconds;
using Batch = std::vector<std::unique_ptr<WorkItem>>;

struct Item : WorkItem {
  explicit Item(int* d) : destroyed(d) {}
  ~Item() override { ++*destroyed; }
  int* destroyed;
};

class SimWorkerTest : public ::testing::Test {
 protected:
  std::unique_ptr<BatchWorker> Make() {
    return factory_.MakeWorker("w", [this](Batch batch) { handled_ += static_cast<int>(batch.size()); });
  }
  std::unique_ptr<WorkItem> NewItem() { return std::make_unique<Item>(&destroyed_); }

  SimScheduler scheduler_{1};
  SimWorkerFactory factory_{scheduler_, SimRandom(2), 1, {}};
  int handled_ = 0;
  int destroyed_ = 0;
};

TEST_F(SimWorkerTest, HandlesAfterAWhile) {
  auto worker = Make();
  worker->Submit(NewItem());
  EXPECT_EQ(handled_, 0);
  scheduler_.RunFor(seconds(1));
  EXPECT_EQ(handled_, 1);
}

TEST_F(SimWorkerTest, ACrashDropsWhatIsInServiceAndWhatGathers) {
  auto worker = Make();
  worker->Submit(NewItem());
  EXPECT_TRUE(scheduler_.RunOne());  // the batch is taken; its handler is still to come
  EXPECT_EQ(handled_, 0);
  worker->Submit(NewItem());
  factory_.Kill();
  EXPECT_EQ(destroyed_, 2);
  worker->Submit(NewItem());
  EXPECT_EQ(destroyed_, 3);
  // The engine's destructor stops its worker, also after a crash: no handler may run then.
  worker->Stop();
  worker.reset();
  scheduler_.RunFor(seconds(1));
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(scheduler_.pending(), 0u);
}

TEST_F(SimWorkerTest, AWorkerMadeAfterTheCrashIsDead) {
  factory_.Kill();
  auto worker = Make();
  worker->Submit(NewItem());
  EXPECT_EQ(destroyed_, 1);
  worker->Stop();
  EXPECT_EQ(handled_, 0);
}

TEST_F(SimWorkerTest, APausedWorkerGoesOnWhereItStood) {
  auto worker = Make();
  worker->Submit(NewItem());
  EXPECT_TRUE(scheduler_.RunOne());
  factory_.Pause();
  worker->Submit(NewItem());
  scheduler_.RunFor(seconds(5));
  EXPECT_EQ(handled_, 0);
  factory_.Resume();
  scheduler_.RunFor(seconds(1));
  EXPECT_EQ(handled_, 2);
}

}  // namespace
}  // namespace henge::sim
