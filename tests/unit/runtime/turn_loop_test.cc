#include "core/runtime/turn_loop.h"

#include "tests/unit/runtime/manual_loop.h"

namespace henge {
namespace {

using std::chrono::seconds;

TEST(TurnLoopTest, BoundsWhatOneTurnTakes) {
  ManualLoop loop;
  int ran = 0;
  for (int i = 0; i < 10; ++i) loop.Post([&ran] { ++ran; });
  loop.Turn(3);
  // Posts, then once more after the timers.
  EXPECT_EQ(ran, 6);
  EXPECT_TRUE(loop.loop().HasWork());
  loop.Turn(3);
  EXPECT_EQ(ran, 10);
  EXPECT_FALSE(loop.loop().HasWork());
}

TEST(TurnLoopTest, TakesTheInboxBeforeItsOwnPostsAndBoundsBoth) {
  ManualLoop loop;
  std::string ran;
  std::vector<Closure> inbox;
  for (int i = 0; i < 4; ++i) inbox.push_back([&ran] { ran += "i"; });
  for (int i = 0; i < 4; ++i) loop.Post([&ran] { ran += "o"; });
  ASSERT_TRUE(loop.loop().NeedsRefill());
  loop.loop().Refill(&inbox);
  EXPECT_TRUE(inbox.empty());
  loop.Turn(2);
  EXPECT_EQ(ran, "iioooo");
  EXPECT_FALSE(loop.loop().NeedsRefill());
  loop.Turn(2);
  EXPECT_EQ(ran, "iiooooii");
  EXPECT_TRUE(loop.loop().NeedsRefill());
}

TEST(TurnLoopTest, TimersRunBetweenPostsAndPhases) {
  ManualLoop loop;
  std::string ran;
  loop.AtTurnEnd(TurnPhase::kRead, [&ran] { ran += "r"; });
  loop.RunAt(loop.In(seconds(1)), [&ran] { ran += "t"; });
  loop.Post([&ran] { ran += "p"; });
  loop.Pass(seconds(1));
  EXPECT_EQ(ran, "ptr");
}

TEST(TurnLoopTest, EndInsideATurnStopsItAtOnceWhereverItStands) {
  for (const int where : {0, 1, 2}) {
    ManualLoop loop;
    std::string ran;
    const auto end = [&] {
      ran += "x";
      loop.loop().End();
      loop.Post([&ran] { ran += "!"; });
      loop.AtTurnEnd(TurnPhase::kSend, [&ran] { ran += "!"; });
      EXPECT_EQ(loop.RunAt(MonotonicTime::min(), [&ran] { ran += "!"; }), TimerId());
    };
    if (where == 0) loop.Post(end);
    if (where == 1) loop.RunAt(MonotonicTime::min(), end);
    if (where == 2) loop.AtTurnEnd(TurnPhase::kRead, end);
    if (where == 0) loop.Post([&ran] { ran += "!"; });
    if (where < 2) loop.RunAt(MonotonicTime::min(), [&ran] { ran += "!"; });
    loop.AtTurnEnd(TurnPhase::kRead, [&ran] { ran += "!"; });
    loop.AtTurnEnd(TurnPhase::kCommit, [&ran] { ran += "!"; });
    loop.Turn();
    EXPECT_EQ(ran, "x") << where;
    EXPECT_TRUE(loop.loop().ended());
    EXPECT_FALSE(loop.loop().HasWork());
  }
}

TEST(TurnLoopTest, ALongQueueGivesItsSpaceBack) {
  // 100,000 closures that each post one more keep the queue from ever running empty; it must still run them in order.
  ManualLoop loop;
  int next = 0;
  for (int i = 0; i < 5000; ++i) {
    loop.Post([&, i] {
      EXPECT_EQ(next, i);
      ++next;
      loop.Post([&, i] {
        EXPECT_EQ(next, 5000 + i);
        ++next;
      });
    });
  }
  while (loop.loop().HasWork()) loop.Turn(100);
  EXPECT_EQ(next, 10000);
}

}  // namespace
}  // namespace henge
