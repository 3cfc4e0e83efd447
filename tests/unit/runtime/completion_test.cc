#include "core/runtime/task.h"
#include "core/runtime/task_scope.h"

namespace henge {
namespace {

Task<> Store(Completion<int> completion, int* out) { *out = co_await completion; }

TEST(CompletionTest, HandsOverAValueThatWasSetBefore) {
  Completion<int> completion;
  EXPECT_TRUE(completion.Set(7));
  int got = 0;
  TaskScope scope;
  scope.Spawn(Store(completion, &got));
  EXPECT_EQ(got, 7);
}

TEST(CompletionTest, ResumesTheWaiterInsideSet) {
  Completion<int> completion;
  int got = 0;
  TaskScope scope;
  scope.Spawn(Store(completion, &got));
  EXPECT_EQ(got, 0);
  EXPECT_TRUE(completion.Set(7));
  EXPECT_EQ(got, 7);
  EXPECT_EQ(scope.running(), 0u);
}

TEST(CompletionTest, TheFirstSetWinsBeforeAndAfterItWasTaken) {
  Completion<int> completion;
  EXPECT_FALSE(completion.is_set());
  EXPECT_TRUE(completion.Set(1));
  EXPECT_FALSE(completion.Set(2));
  EXPECT_TRUE(completion.is_set());
  int got = 0;
  TaskScope scope;
  scope.Spawn(Store(completion, &got));
  EXPECT_EQ(got, 1);
  EXPECT_FALSE(completion.Set(3));
  EXPECT_TRUE(completion.is_set());
}

TEST(CompletionTest, CopiesShareTheValue) {
  Completion<int> completion;
  Completion<int> copy = completion;
  copy.Set(3);
  EXPECT_TRUE(completion.is_set());
}

TEST(CompletionTest, SettingAfterTheWaiterWasDestroyedResumesNobody) {
  Completion<int> completion;
  int got = 0;
  {
    TaskScope scope;
    scope.Spawn(Store(completion, &got));
  }
  EXPECT_TRUE(completion.Set(7));
  EXPECT_EQ(got, 0);
}

TEST(CompletionTest, CarriesMoveOnlyValues) {
  Completion<std::unique_ptr<int>> completion;
  struct Waiting {
    static Task<> Run(Completion<std::unique_ptr<int>> completion, std::unique_ptr<int>* out) {
      *out = co_await completion;
    }
  };
  std::unique_ptr<int> got;
  TaskScope scope;
  scope.Spawn(Waiting::Run(completion, &got));
  completion.Set(std::make_unique<int>(9));
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(*got, 9);
}

TEST(CompletionDeathTest, AwaitingItTwiceIsABug) {
  Completion<int> completion;
  completion.Set(1);
  int got = 0;
  TaskScope scope;
  scope.Spawn(Store(completion, &got));
  EXPECT_DEATH(scope.Spawn(Store(completion, &got)), "taken");
}

}  // namespace
}  // namespace henge
