#include "core/runtime/task.h"

#include "core/runtime/task_scope.h"

namespace henge {
namespace {

// Counts the live frames that hold one.
class Witness {
 public:
  explicit Witness(int* alive) : alive_(alive) { ++*alive_; }
  Witness(const Witness& other) : alive_(other.alive_) { ++*alive_; }
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --*alive_; }

 private:
  int* alive_;
};

Task<int> Value(int value) { co_return value; }
Task<> Note(int* out) {
  ++*out;
  co_return;
}

TEST(TaskTest, StartsOnlyWhenItIsAwaited) {
  int ran = 0;
  { Task<> dropped = Note(&ran); }
  EXPECT_EQ(ran, 0);
  TaskScope scope;
  scope.Spawn(Note(&ran));
  EXPECT_EQ(ran, 1);
}

Task<> Sum(int* out) {
  int sum = 0;
  for (int i = 0; i < 10; ++i) sum += co_await Value(i);
  *out = sum;
}

TEST(TaskTest, ReturnsItsValueToTheAwaiter) {
  int sum = 0;
  TaskScope scope;
  scope.Spawn(Sum(&sum));
  EXPECT_EQ(sum, 45);
}

Task<int> CountDown(int from) {
  if (from == 0) co_return 0;
  co_return 1 + co_await CountDown(from - 1);
}
Task<> ManyInARow(int* out) {
  for (int i = 0; i < 1'000'000; ++i) *out += co_await Value(1);
  *out += co_await CountDown(100);
}

TEST(TaskTest, LongChainsOfFinishedAwaitsNeedNoStack) {
  int sum = 0;
  TaskScope scope;
  scope.Spawn(ManyInARow(&sum));
  EXPECT_EQ(sum, 1'000'100);
}

Task<int> Waits(Witness, Completion<int> completion) { co_return co_await completion; }
Task<> Outer(Witness, Completion<int> completion, int* alive) {
  Witness local(alive);
  co_await Waits(Witness(alive), completion);
}

TEST(TaskTest, DestroyingAnUnfinishedTaskDestroysEveryFrameBelowIt) {
  int alive = 0;
  Completion<int> completion;
  {
    TaskScope scope;
    scope.Spawn(Outer(Witness(&alive), completion, &alive));
    // Outer's parameter and local, and the argument of Waits, which lives as long as the await, with its copy there.
    EXPECT_EQ(alive, 4);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(completion.Set(1));
}

TEST(TaskTest, AMovedTaskLeavesNothingBehind) {
  int alive = 0;
  Completion<int> completion;
  Task<int> first = Waits(Witness(&alive), completion);
  Task<int> second = std::move(first);
  EXPECT_EQ(alive, 1);
  second = Waits(Witness(&alive), completion);
  EXPECT_EQ(alive, 1);
}

}  // namespace
}  // namespace henge
