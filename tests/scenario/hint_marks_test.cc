// A store of hints that is full (P17), and what it gave up for it (P18), on simulated nodes, disks and links: H21, H43.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/scenario/hint_cluster.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr MemberId kFallback(4);
constexpr MemberId kTarget(2);
constexpr uint64_t kRoom = 8 << 10;  // of two shards

class FullHints {
 public:
  explicit FullHints(uint64_t seed, SimLinkOptions links = {}) : cluster(seed, links, kRoom) {
    cluster.node(kTarget).PowerLoss();
  }

  // More than there is room for, a while apart; every ack is kept in mind by the cluster.
  void Overflow(int hints) {
    for (int i = 0; i < hints; ++i) {
      const RecordKey key = cluster.KeyFor(kFallback, kTarget, from_);
      from_ = std::stoi(key.key.substr(1)) + 1;
      cluster.Hint(kFallback, kTarget, key);
      cluster.scheduler.RunFor(milliseconds(50));
      most_bytes = std::max(most_bytes, cluster.node(kFallback).hint_figures().bytes);
    }
  }
  // At each moment an acknowledged record lies at two nodes that are no target: hints here, or owners.
  std::vector<std::string> Homeless() {
    std::vector<std::string> homeless;
    for (const Written& w : cluster.written) {
      if (!w.acked) continue;
      int owners = 0;
      for (MemberId owner : cluster.ring->Owners(w.key.partition)) {
        if (owner != kTarget) owners += cluster.node(owner).ReadRecord(w.key).vv().Covers(w.dot) ? 1 : 0;
      }
      const absl::StatusOr<Object> hint = cluster.node(kFallback).ReadDurableHints(w.key);
      const bool kept = hint.ok() && hint->vv().Covers(w.dot);
      if (!kept && owners < 2) homeless.push_back(w.key.key);
    }
    return homeless;
  }
  HintFigures Status() { return cluster.node(kFallback).HintStatus(); }
  bool AwaitNothingLeft(Duration within) {
    return cluster.scheduler.RunUntilTrue(
        [this] {
          const HintFigures figures = Status();
          return figures.pending.empty() && figures.marks == 0;
        },
        cluster.scheduler.now() + within);
  }

  HintCluster cluster;
  uint64_t most_bytes = 0;

 private:
  int from_ = 0;
};

// The bound holds, writes go on, nothing acknowledged is without a home, and the target has all of it in the end.
TEST(HintMarksTest, P17AFullStoreGoesOnWithMarksAndP18TheyAreCleared) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    FullHints full(seed, {.loss = 0.02, .duplicate = 0.05, .reorder = 0.1});
    full.Overflow(250);
    full.cluster.scheduler.RunFor(seconds(10));
    const HintFigures figures = full.Status();
    EXPECT_LE(full.most_bytes, kRoom) << "seed " << seed;
    EXPECT_GT(figures.marked, 50u) << "seed " << seed;
    EXPECT_GT(figures.marks, 0u) << "seed " << seed;
    EXPECT_GT(full.cluster.Acked(), 150u) << "seed " << seed << ": far more than there is room for";
    EXPECT_EQ(full.Homeless(), std::vector<std::string>()) << "seed " << seed;
    EXPECT_GT(figures.marks_since_ms, 0);

    full.cluster.scheduler.RunFor(minutes(5));
    EXPECT_GT(full.Status().marks, 0u) << "nothing clears a mark while the target is away";
    ASSERT_TRUE(full.cluster.node(kTarget).Start().ok());
    ASSERT_TRUE(full.AwaitNothingLeft(minutes(5))) << "seed " << seed;
    EXPECT_EQ(full.cluster.MissingAt(kTarget), std::vector<std::string>()) << "seed " << seed;
    EXPECT_GT(full.Status().marks_cleared, 0u);
  }
}

// A mark survives the power loss of its keeper, and is followed to its end by the next process.
TEST(HintMarksTest, P18MarksOutliveTheProcess) {
  for (uint64_t seed = 11; seed <= 14; ++seed) {
    FullHints full(seed);
    full.Overflow(120);
    ASSERT_GT(full.Status().marked, 0u);
    for (int crash = 0; crash < 3; ++crash) {
      full.cluster.node(kFallback).PowerLoss();
      ASSERT_TRUE(full.cluster.node(kFallback).Start().ok());
      EXPECT_EQ(full.Homeless(), std::vector<std::string>()) << "seed " << seed;
      full.Overflow(20);
    }
    EXPECT_GT(full.Status().marks, 0u);
    ASSERT_TRUE(full.cluster.node(kTarget).Start().ok());
    ASSERT_TRUE(full.AwaitNothingLeft(minutes(5))) << "seed " << seed;
    EXPECT_EQ(full.cluster.MissingAt(kTarget), std::vector<std::string>()) << "seed " << seed;
  }
}

// A second owner is away: two copies can't be shown, so no hint may go. The store is full, says so, and loses nothing.
TEST(HintMarksTest, P17WhatCannotBeProvedStays) {
  FullHints full(21);
  const MemberId second(3);
  full.cluster.node(second).PowerLoss();
  full.Overflow(200);
  const HintFigures figures = full.Status();
  EXPECT_GT(figures.refused_full, 0u);
  EXPECT_LT(full.cluster.Acked(), 200u);
  EXPECT_LE(full.most_bytes, kRoom);
  EXPECT_EQ(figures.bytes_max, kRoom);
  for (const Written& w : full.cluster.written) {
    if (!w.acked || !full.cluster.ring->IsOwner(w.key.partition, second)) continue;
    const absl::StatusOr<Object> hint = full.cluster.node(kFallback).ReadDurableHints(w.key);
    EXPECT_TRUE(hint.ok() && hint->vv().Covers(w.dot)) << w.key.key;
  }
  ASSERT_TRUE(full.cluster.node(kTarget).Start().ok());
  ASSERT_TRUE(full.cluster.node(second).Start().ok());
  ASSERT_TRUE(full.AwaitNothingLeft(minutes(5)));
  EXPECT_EQ(full.cluster.MissingAt(kTarget), std::vector<std::string>());
}

// The age of the oldest hint is that of one that is there.
TEST(HintMarksTest, TheOldestAgeIsTrue) {
  HintCluster cluster(31);
  cluster.node(kTarget).PowerLoss();
  auto oldest = [&cluster] {
    const HintFigures figures = cluster.node(kFallback).HintStatus();
    return figures.pending.empty() ? int64_t{0} : figures.pending[0].oldest_ms;
  };
  cluster.Hint(kFallback, kTarget, cluster.KeyFor(kFallback, kTarget, 0));
  cluster.scheduler.RunFor(seconds(1));
  const int64_t first = oldest();
  ASSERT_GT(first, 0);
  cluster.scheduler.RunFor(minutes(10));
  cluster.Hint(kFallback, kTarget, cluster.KeyFor(kFallback, kTarget, 500));
  cluster.scheduler.RunFor(seconds(1));
  EXPECT_EQ(oldest(), first);
  cluster.node(kFallback).PowerLoss();
  ASSERT_TRUE(cluster.node(kFallback).Start().ok());
  EXPECT_EQ(oldest(), first) << "as the disk says";
  ASSERT_TRUE(cluster.node(kTarget).Start().ok());
  ASSERT_TRUE(cluster.Drained(kFallback, minutes(3)));
  cluster.scheduler.RunFor(seconds(1));
  EXPECT_EQ(oldest(), 0);
}

}  // namespace
}  // namespace henge::sim
