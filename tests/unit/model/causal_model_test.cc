// Random histories of one key against the explicit causal model: the protocol passes a million of them, and without any
// one of its rules the same checker finds violations.

#include "tests/unit/model/causal_model.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>

namespace henge {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014): small, seedable, the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0xd1342543de82ef95u) {}

  // 0 .. sides-1
  int Roll(int sides) {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<int>((z ^ (z >> 31)) % static_cast<uint64_t>(sides));
  }
  bool Percent(int chance) { return Roll(100) < chance; }

 private:
  uint64_t state_;
};

struct Faults {
  bool crashes = false;
  bool failed_commits = false;
  bool vanishing = false;
  bool retries = false;
  bool twins = false;
};

// Each history draws its own subset of `allowed`, so that some are long and calm and others all trouble.
Faults Draw(const Faults& allowed, Dice* dice) {
  return {.crashes = allowed.crashes && dice->Percent(70),
          .failed_commits = allowed.failed_commits && dice->Percent(50),
          .vanishing = allowed.vanishing && dice->Percent(50),
          .retries = allowed.retries && dice->Percent(50),
          .twins = allowed.twins};
}

// One random event.
void Step(World& world, const Faults& faults, Dice& dice, int* twin) {
  const int at = dice.Roll(World::kReplicas);
  const int what = dice.Roll(100);
  if (what < 30) {
    int seen = dice.Percent(55) ? dice.Roll(World::kReplicas) : World::kNobody;
    if (seen == *twin) seen = World::kNobody;  // what a twin shows before its peers have caught it is not to be trusted
    const bool may_put = world.CanMint() && (at != *twin || !world.AwaitsAck(at));
    if (may_put) world.Put(at, seen, faults.failed_commits && dice.Percent(15));
  } else if (what < 60) {
    if (world.messages() > 0) world.Deliver(dice.Roll(world.messages()), dice.Percent(20));
  } else if (what < 86) {
    world.Commit(at);
  } else if (what < 90) {
    if (faults.crashes) world.Crash(at);
  } else if (what < 94) {
    if (faults.vanishing) world.Vanish(at);
    if (faults.twins && *twin == World::kNobody && world.Twin(at)) *twin = at;
  } else if (what < 97) {
    if (faults.vanishing && world.stale_copies() > 0) world.Return(dice.Roll(world.stale_copies()), at);
  } else if (faults.retries && world.puts() > 0 && world.CanMint()) {
    world.Retry(dice.Roll(world.puts()), at);
  }
}

// What a number of histories came to, and how far they went: a search that reaches nothing finds nothing.
struct Outcome {
  Violations found;
  int histories = 0;
  int with_copies = 0;    // several replicas hold the record at the end
  int with_siblings = 0;  // several versions are live
  int with_twin = 0;
};

void RunHistory(const Rules& rules, const Faults& allowed, uint64_t seed, Outcome* outcome) {
  Dice dice(seed);
  const Faults faults = Draw(allowed, &dice);
  World world(rules);
  if (faults.twins) world.AckMeansAll();
  int twin = World::kNobody;
  const int steps = faults.twins ? 40 : 6 + dice.Roll(34);
  for (int step = 0; step < steps; ++step) Step(world, faults, dice, &twin);
  if (faults.twins) {  // let everything arrive, so that what is acked is on every disk
    while (world.messages() > 0) world.Deliver(0, false);
    for (int at = 0; at < World::kReplicas; ++at) {
      while (world.HasPending(at)) world.Commit(at);
    }
  }
  outcome->found += world.Check();
  ++outcome->histories;
  outcome->with_copies += world.records() > 1 ? 1 : 0;
  outcome->with_siblings += world.siblings() > 1 ? 1 : 0;
  outcome->with_twin += twin != World::kNobody ? 1 : 0;
}

Outcome RunAll(const Rules& rules, const Faults& faults, int count) {
  Outcome outcome;
  for (int seed = 0; seed < count; ++seed) RunHistory(rules, faults, static_cast<uint64_t>(seed), &outcome);
  return outcome;
}

Violations RunHistories(const Rules& rules, const Faults& faults, int count) {
  return RunAll(rules, faults, count).found;
}

void ExpectClean(const Outcome& outcome) {
  EXPECT_EQ(outcome.found.total(), 0) << outcome.found.ToString();
  EXPECT_GT(outcome.with_copies, outcome.histories / 2);
  EXPECT_GT(outcome.with_siblings, outcome.histories / 4);
}

constexpr Faults kAll{.crashes = true, .failed_commits = true, .vanishing = true, .retries = true};
constexpr int kPlanted = 20'000;

TEST(CausalModelTest, ProtocolPassesHistoriesWithAllFaults) { ExpectClean(RunAll({}, kAll, 600'000)); }

TEST(CausalModelTest, ProtocolPassesHistoriesWithCrashesOnly) { ExpectClean(RunAll({}, {.crashes = true}, 200'000)); }

TEST(CausalModelTest, ProtocolPassesCalmHistories) { ExpectClean(RunAll({}, {}, 200'000)); }

TEST(CausalModelTest, P1DeltasInsteadOfRecordsLoseValues) {
  const Violations found = RunHistories({.whole_records = false}, kAll, kPlanted);
  EXPECT_GT(found.lost_values, 0) << found.ToString();
}

TEST(CausalModelTest, P1MergeThatKeepsAllMakesFalseSiblings) {
  const Violations found = RunHistories({.merge = Rules::Merge::kKeepAll}, {}, kPlanted);
  EXPECT_GT(found.false_siblings, 0) << found.ToString();
}

TEST(CausalModelTest, P1MergeByVectorAloneLosesValues) {
  const Violations found = RunHistories({.merge = Rules::Merge::kByVvAlone}, {}, kPlanted);
  EXPECT_GT(found.lost_values, 0) << found.ToString();
}

TEST(CausalModelTest, P2ContextNotJoinedMakesFalseSiblings) {
  const Violations found = RunHistories({.join_context = false}, {}, kPlanted);
  EXPECT_GT(found.false_siblings, 0) << found.ToString();
}

TEST(CausalModelTest, P3LifetimeKeptOverRestartReusesDots) {
  const Violations found = RunHistories({.redraw_lifetime = false}, {.crashes = true}, kPlanted);
  EXPECT_GT(found.reused_dots, 0) << found.ToString();
}

TEST(CausalModelTest, P4MarkIgnoredReusesDots) {
  const Violations found = RunHistories({.heed_mark = false}, {.vanishing = true}, kPlanted);
  EXPECT_GT(found.reused_dots, 0) << found.ToString();
}

TEST(CausalModelTest, P5NoOverlayReusesDots) {
  const Violations found = RunHistories({.overlay = false}, {}, kPlanted);
  EXPECT_GT(found.reused_dots, 0) << found.ToString();
}

TEST(CausalModelTest, P6FailureAfterTheMintReusesDots) {
  const Violations found = RunHistories({.close_on_failure = false}, {.failed_commits = true}, kPlanted);
  EXPECT_GT(found.reused_dots, 0) << found.ToString();
}

// A twin reuses dots before it is caught; what counts is that nothing that all replicas acknowledged is lost.
TEST(CausalModelTest, P7BeltSavesAckedValuesFromATwin) {
  const Outcome outcome = RunAll({}, {.twins = true}, 100'000);
  EXPECT_GT(outcome.with_twin, outcome.histories / 50);
  EXPECT_EQ(outcome.found.lost_values, 0) << outcome.found.ToString();
  EXPECT_EQ(outcome.found.false_siblings, 0) << outcome.found.ToString();
  EXPECT_EQ(outcome.found.order_dependent, 0) << outcome.found.ToString();
}

TEST(CausalModelTest, P7WithoutBeltATwinLosesAckedValues) {
  const Violations found = RunHistories({.belt = false}, {.twins = true}, kPlanted);
  EXPECT_GT(found.lost_values, 0) << found.ToString();
}

TEST(CausalModelTest, P8RetryThatMintsAgainMakesFalseSiblings) {
  const Violations found = RunHistories({.retry_asks_first = false}, {.retries = true}, kPlanted);
  EXPECT_GT(found.false_siblings, 0) << found.ToString();
}

TEST(CausalModelTest, P8CollapseInsideMergeDependsOnOrder) {
  const Violations found =
      RunHistories({.merge = Rules::Merge::kCollapseOps}, {.crashes = true, .retries = true}, kPlanted);
  EXPECT_GT(found.order_dependent, 0) << found.ToString();
}

// Every sequence of `depth` events on three replicas. What comes first is a put through replica 0: all others are equal
// to one of those up to the replicas' names.
class Exhaustive {
 public:
  enum class Durability {
    kLater,   // a commit is an event of its own, and a crash may come before it
    kAtOnce,  // puts and deliveries are durable in their step, or the process dies in it
  };

  Exhaustive(int depth, Durability durability) : depth_(depth), durability_(durability) {}

  const Violations& Run(const Rules& rules) {
    World world(rules);
    world.Put(0, World::kNobody);
    if (durability_ == Durability::kAtOnce) world.Commit(0);
    Go(world, 1);
    return found_;
  }

  int64_t leaves() const { return leaves_; }

 private:
  template <class Event>
  void Try(const World& world, int done, Event event) {
    World next = world;
    event(next);
    Go(next, done + 1);
  }

  // The event at replica `at`, with what may become of its commit.
  template <class Event>
  void TryAt(const World& world, int done, int at, Event event) {
    if (durability_ == Durability::kLater) {
      Try(world, done, event);
      return;
    }
    Try(world, done, [&](World& w) {
      event(w);
      w.Commit(at);
    });
    Try(world, done, [&](World& w) {
      event(w);
      w.Crash(at);
    });
  }

  void Go(const World& world, int done) {
    if (done == depth_) {
      ++leaves_;
      found_ += world.Check();
      return;
    }
    for (int at = 0; at < World::kReplicas; ++at) {
      TryAt(world, done, at, [&](World& w) { w.Put(at, World::kNobody); });
      for (int seen = 0; seen < World::kReplicas; ++seen) {
        if (world.HasRecord(seen)) TryAt(world, done, at, [&](World& w) { w.Put(at, seen); });
      }
      if (world.HasPending(at)) Try(world, done, [&](World& w) { w.Commit(at); });
      if (world.HasPending(at)) Try(world, done, [&](World& w) { w.Crash(at); });
    }
    for (int m = 0; m < world.messages(); ++m) {
      TryAt(world, done, world.Receiver(m), [&](World& w) { w.Deliver(m, false); });
    }
  }

  const int depth_;
  const Durability durability_;
  int64_t leaves_ = 0;
  Violations found_;
};

using Durability = Exhaustive::Durability;

TEST(SmallScopeTest, EveryInterleavingWithLateCommitsKeepsTheRules) {
  Exhaustive search(7, Durability::kLater);
  const Violations& found = search.Run({});
  std::printf("%lld sequences of 7 events on 3 replicas\n", static_cast<long long>(search.leaves()));
  EXPECT_EQ(found.total(), 0) << found.ToString();
}

TEST(SmallScopeTest, EveryInterleavingWithDurableStepsKeepsTheRules) {
  Exhaustive search(5, Durability::kAtOnce);
  const Violations& found = search.Run({});
  std::printf("%lld sequences of 5 events on 3 replicas\n", static_cast<long long>(search.leaves()));
  EXPECT_EQ(found.total(), 0) << found.ToString();
}

TEST(SmallScopeTest, FewEventsAreEnoughToBreakEachRule) {
  const auto breaks = [](const Rules& rules, Durability durability) {
    return Exhaustive(4, durability).Run(rules).total() > 0;
  };
  EXPECT_FALSE(breaks({}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.merge = Rules::Merge::kKeepAll}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.merge = Rules::Merge::kByVvAlone}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.whole_records = false}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.join_context = false}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.redraw_lifetime = false}, Durability::kAtOnce));
  EXPECT_TRUE(breaks({.overlay = false}, Durability::kLater));
}

}  // namespace
}  // namespace henge
