#include "core/runtime/timer_heap.h"

#include "core/runtime/xoshiro.h"

namespace henge {
namespace {

MonotonicTime At(int64_t ns) { return MonotonicTime(Duration(ns)); }

TEST(TimerHeapTest, NextTimeIsTheEarliest) {
  TimerHeap heap;
  EXPECT_EQ(heap.NextTime(), std::nullopt);
  heap.Add(At(5), [] {});
  const TimerId early = heap.Add(At(3), [] {});
  EXPECT_EQ(heap.NextTime(), At(3));
  EXPECT_TRUE(heap.Cancel(early));
  EXPECT_EQ(heap.NextTime(), At(5));
}

TEST(TimerHeapTest, PopsNothingThatIsNotDueOrArmedAfterTheMark) {
  TimerHeap heap;
  heap.Add(At(5), [] {});
  EXPECT_FALSE(heap.PopDue(At(4), heap.mark()));
  const uint64_t mark = heap.mark();
  heap.Add(At(4), [] {});
  heap.Add(At(5), [] {});
  // What was armed after the mark stands at the front, but the next round is its own.
  EXPECT_FALSE(heap.PopDue(At(10), mark));
  EXPECT_EQ(heap.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(heap.PopDue(At(10), heap.mark()));
}

TEST(TimerHeapTest, ATimerArmedForThePastWaitsBehindWhatIsDue) {
  TimerHeap heap;
  std::string ran;
  heap.Add(At(5), [&ran] { ran += "a"; });
  heap.Add(At(10), [&ran] { ran += "b"; });
  const uint64_t mark = heap.mark();
  heap.PopDue(At(10), mark)();
  heap.Add(At(0), [&ran] { ran += "c"; });
  while (Closure due = heap.PopDue(At(10), mark)) due();
  EXPECT_EQ(ran, "ab");
  while (Closure due = heap.PopDue(At(10), heap.mark())) due();
  EXPECT_EQ(ran, "abc");
}

TEST(TimerHeapTest, AnIdNamesOneArmingForEver) {
  TimerHeap heap;
  const TimerId first = heap.Add(At(1), [] {});
  EXPECT_TRUE(heap.Cancel(first));
  EXPECT_FALSE(heap.Cancel(first));
  const TimerId second = heap.Add(At(1), [] {});
  EXPECT_NE(first, second);
  EXPECT_FALSE(heap.Cancel(first));
  EXPECT_FALSE(heap.Cancel(TimerId()));
  EXPECT_EQ(heap.size(), 1u);
  EXPECT_TRUE(heap.PopDue(At(1), heap.mark()));
  EXPECT_FALSE(heap.Cancel(second));
}

TEST(TimerHeapTest, ADestroyedClosureMayCancelAnother) {
  struct Canceller {
    TimerHeap* heap;
    TimerId other;
    Canceller(TimerHeap* h, TimerId o) : heap(h), other(o) {}
    Canceller(Canceller&& from) noexcept : heap(std::exchange(from.heap, nullptr)), other(from.other) {}
    ~Canceller() {
      if (heap != nullptr) heap->Cancel(other);
    }
  };
  TimerHeap heap;
  const TimerId other = heap.Add(At(1), [] {});
  const TimerId first = heap.Add(At(1), [c = Canceller(&heap, other)] {});
  EXPECT_TRUE(heap.Cancel(first));
  EXPECT_EQ(heap.size(), 0u);
}

// Against a plain sorted map, with random arming, cancelling and popping.
TEST(TimerHeapTest, AgreesWithASortedMap) {
  Xoshiro random(11);
  TimerHeap heap;
  std::map<std::pair<int64_t, uint64_t>, int> model;  // (time, arming) -> number
  std::map<int, std::pair<TimerId, std::pair<int64_t, uint64_t>>> live;
  std::vector<int> popped;
  int64_t now = 0;
  int number = 0;
  for (uint64_t step = 0; step < 200'000; ++step) {
    const uint64_t choice = random.Below(10);
    if (choice < 5) {
      const int64_t when = now + static_cast<int64_t>(random.Below(1000));
      const TimerId id = heap.Add(At(when), [&popped, number] { popped.push_back(number); });
      model[{when, step}] = number;
      live[number] = {id, {when, step}};
      ++number;
    } else if (choice < 9 && !live.empty()) {
      auto it = live.lower_bound(static_cast<int>(random.Below(static_cast<uint64_t>(number))));
      if (it == live.end()) it = live.begin();
      ASSERT_TRUE(heap.Cancel(it->second.first));
      model.erase(it->second.second);
      live.erase(it);
    } else {
      now += static_cast<int64_t>(random.Below(100));
      popped.clear();
      while (Closure due = heap.PopDue(At(now), heap.mark())) due();
      for (const int got : popped) {
        ASSERT_FALSE(model.empty());
        ASSERT_LE(model.begin()->first.first, now);
        ASSERT_EQ(model.begin()->second, got);
        live.erase(got);
        model.erase(model.begin());
      }
      ASSERT_TRUE(model.empty() || model.begin()->first.first > now);
    }
    ASSERT_EQ(heap.size(), model.size());
  }
}

}  // namespace
}  // namespace henge
