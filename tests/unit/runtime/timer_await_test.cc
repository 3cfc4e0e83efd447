#include "core/runtime/timer_await.h"

#include "core/runtime/task_scope.h"
#include "tests/unit/runtime/manual_loop.h"

namespace henge {
namespace {

using std::chrono::seconds;

Task<> SleepThenCount(ManualLoop* loop, Duration span, int* count) {
  co_await SleepUntil(*loop, loop->In(span));
  ++*count;
}

TEST(SleepUntilTest, GoesOnAtItsTimeAndNotBefore) {
  ManualLoop loop;
  TaskScope scope;
  int count = 0;
  scope.Spawn(SleepThenCount(&loop, seconds(2), &count));
  loop.Pass(seconds(1));
  EXPECT_EQ(count, 0);
  loop.Pass(seconds(1));
  EXPECT_EQ(count, 1);
}

TEST(SleepUntilTest, ADestroyedFrameTakesItsTimerWithIt) {
  ManualLoop loop;
  int count = 0;
  {
    TaskScope scope;
    scope.Spawn(SleepThenCount(&loop, seconds(2), &count));
  }
  loop.Pass(seconds(5));
  EXPECT_EQ(count, 0);
  EXPECT_EQ(loop.loop().NextTimer(), std::nullopt);
}

Task<> AwaitAnswer(ManualLoop* loop, Completion<int> answer, int* out) {
  CompleteAt late(*loop, answer, loop->In(seconds(1)), -1);
  *out = co_await answer;
}

TEST(CompleteAtTest, GivesTheLateValueAtTheDeadline) {
  ManualLoop loop;
  TaskScope scope;
  Completion<int> answer;
  int got = 0;
  scope.Spawn(AwaitAnswer(&loop, answer, &got));
  loop.Pass(seconds(1));
  EXPECT_EQ(got, -1);
  EXPECT_FALSE(answer.Set(5));
}

TEST(CompleteAtTest, AnAnswerInTimeDisarmsTheTimer) {
  ManualLoop loop;
  TaskScope scope;
  Completion<int> answer;
  int got = 0;
  scope.Spawn(AwaitAnswer(&loop, answer, &got));
  answer.Set(5);
  EXPECT_EQ(got, 5);
  EXPECT_EQ(loop.loop().NextTimer(), std::nullopt);
  loop.Pass(seconds(2));
  EXPECT_EQ(got, 5);
}

}  // namespace
}  // namespace henge
