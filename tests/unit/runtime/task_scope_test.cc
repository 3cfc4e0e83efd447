#include "core/runtime/task_scope.h"

namespace henge {
namespace {

Task<> WaitThenNote(Completion<int> completion, std::vector<int>* notes) { notes->push_back(co_await completion); }

TEST(TaskScopeTest, OwnsTasksUntilTheyEnd) {
  std::vector<int> notes;
  Completion<int> first, second;
  TaskScope scope;
  EXPECT_TRUE(scope.Spawn(WaitThenNote(first, &notes)));
  EXPECT_TRUE(scope.Spawn(WaitThenNote(second, &notes)));
  EXPECT_EQ(scope.running(), 2u);
  second.Set(2);
  EXPECT_EQ(scope.running(), 1u);
  first.Set(1);
  EXPECT_EQ(scope.running(), 0u);
  EXPECT_THAT(notes, ::testing::ElementsAre(2, 1));
}

TEST(TaskScopeTest, CloseOfAnIdleScopeIsIdleAtOnce) {
  TaskScope scope;
  bool idle = false;
  scope.Close([&idle] { idle = true; });
  EXPECT_TRUE(idle);
}

TEST(TaskScopeTest, CloseWaitsForTheLastTaskAndTakesNoOther) {
  std::vector<int> notes;
  Completion<int> first, second;
  TaskScope scope;
  scope.Spawn(WaitThenNote(first, &notes));
  scope.Spawn(WaitThenNote(second, &notes));
  int idle = 0;
  scope.Close([&idle] { ++idle; });
  EXPECT_FALSE(scope.Spawn(WaitThenNote(first, &notes)));
  first.Set(1);
  EXPECT_EQ(idle, 0);
  second.Set(2);
  EXPECT_EQ(idle, 1);
}

TEST(TaskScopeTest, MayBeDestroyedByItsOwnIdleCallback) {
  std::vector<int> notes;
  Completion<int> completion;
  auto scope = std::make_unique<TaskScope>();
  scope->Spawn(WaitThenNote(completion, &notes));
  scope->Close([&scope] { scope.reset(); });
  completion.Set(1);
  EXPECT_EQ(scope, nullptr);
}

// Notes its number when its frame is destroyed.
class NoteOnDestroy {
 public:
  NoteOnDestroy(int number, std::vector<int>* notes) : number_(number), notes_(notes) {}
  NoteOnDestroy(NoteOnDestroy&& other) noexcept
      : number_(other.number_), notes_(std::exchange(other.notes_, nullptr)) {}
  NoteOnDestroy& operator=(NoteOnDestroy&&) = delete;
  ~NoteOnDestroy() {
    if (notes_ != nullptr) notes_->push_back(number_);
  }

 private:
  int number_;
  std::vector<int>* notes_;
};
Task<> HoldForEver(Completion<int> never, NoteOnDestroy) { co_await never; }

TEST(TaskScopeTest, ADroppedScopeDestroysTheYoungestFirst) {
  std::vector<int> notes;
  std::vector<Completion<int>> never(20);
  {
    TaskScope scope;
    for (int i = 0; i < 20; ++i) scope.Spawn(HoldForEver(never[static_cast<size_t>(i)], NoteOnDestroy(i, &notes)));
    // Ends in the middle leave the order of the others as it was.
    for (size_t i : {0u, 7u, 19u}) never[i].Set(0);
    notes.clear();
  }
  EXPECT_THAT(notes, ::testing::ElementsAre(18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 6, 5, 4, 3, 2, 1));
}

// Completes what another task waits for when its own frame is destroyed.
class SetOnDestroy {
 public:
  explicit SetOnDestroy(Completion<int> completion) : completion_(std::move(completion)) {}
  SetOnDestroy(SetOnDestroy&& other) noexcept : completion_(std::exchange(other.completion_, std::nullopt)) {}
  SetOnDestroy& operator=(SetOnDestroy&&) = delete;
  ~SetOnDestroy() {
    if (completion_) completion_->Set(5);
  }

 private:
  std::optional<Completion<int>> completion_;
};
Task<> HoldAndRelease(Completion<int> never, SetOnDestroy) { co_await never; }

TEST(TaskScopeTest, ATaskThatEndsBecauseAnotherIsDestroyedIsDestroyedOnce) {
  std::vector<int> notes;
  Completion<int> never, released;
  {
    TaskScope scope;
    scope.Spawn(WaitThenNote(released, &notes));
    scope.Spawn(HoldAndRelease(never, SetOnDestroy(released)));
  }
  EXPECT_THAT(notes, ::testing::ElementsAre(5));
}

TEST(TaskScopeTest, ADroppedScopeTellsNobodyThatItIsIdle) {
  std::vector<int> notes;
  Completion<int> never, released;
  bool idle = false;
  {
    TaskScope scope;
    scope.Spawn(WaitThenNote(released, &notes));
    scope.Spawn(HoldAndRelease(never, SetOnDestroy(released)));
    scope.Close([&idle] { idle = true; });
  }
  EXPECT_THAT(notes, ::testing::ElementsAre(5));
  EXPECT_FALSE(idle);
}

// Starts another task when its own frame is destroyed.
class SpawnOnDestroy {
 public:
  SpawnOnDestroy(TaskScope* scope, bool* spawned) : scope_(scope), spawned_(spawned) {}
  SpawnOnDestroy(SpawnOnDestroy&& other) noexcept
      : scope_(std::exchange(other.scope_, nullptr)), spawned_(other.spawned_) {}
  SpawnOnDestroy& operator=(SpawnOnDestroy&&) = delete;
  ~SpawnOnDestroy() {
    if (scope_ != nullptr) *spawned_ = scope_->Spawn(Nothing());
  }

 private:
  static Task<> Nothing() { co_return; }
  TaskScope* scope_;
  bool* spawned_;
};
Task<> HoldAndSpawn(Completion<int> never, SpawnOnDestroy) { co_await never; }

TEST(TaskScopeTest, ADroppedScopeTakesNoNewTask) {
  Completion<int> never;
  bool spawned = true;
  {
    TaskScope scope;
    scope.Spawn(HoldAndSpawn(never, SpawnOnDestroy(&scope, &spawned)));
  }
  EXPECT_FALSE(spawned);
}

}  // namespace
}  // namespace henge
