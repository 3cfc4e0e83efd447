// Hinted handoff on simulated nodes, disks and links: hazards H17, H18, H20, H21, H39, H54, and the bounds of H43.
//
// The requests that a coordinator would send are handed to the fallback directly; what follows is the nodes' own.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/scenario/hint_cluster.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr MemberId kFallback(4);
constexpr MemberId kTarget(2);

// Power loss of the fallback at any instant; the target is away meanwhile. What was acknowledged arrives (H17, H20,
// H54).
TEST(HintsTest, H17H20AckedHintsSurvivePowerLossAndArrive) {
  uint64_t acked = 0, crashes = 0;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    HintCluster cluster(seed, {.loss = 0.05, .duplicate = 0.05, .reorder = 0.1});
    cluster.node(kTarget).PowerLoss();
    int from = 0;
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 8; ++i) {
        const RecordKey key = cluster.KeyFor(kFallback, kTarget, from);
        // Some keys twice: the second one merges.
        if (cluster.random.OneIn(3)) cluster.Hint(kFallback, kTarget, key);
        cluster.Hint(kFallback, kTarget, key);
        from = std::stoi(key.key.substr(1)) + 1;
        cluster.scheduler.RunFor(Duration(static_cast<int64_t>(cluster.random.Below(2'000'000))));
      }
      cluster.node(kFallback).PowerLoss();
      ++crashes;
      cluster.scheduler.RunFor(seconds(1));
      ASSERT_TRUE(cluster.node(kFallback).Start().ok());
    }
    acked += cluster.Acked();
    ASSERT_TRUE(cluster.node(kTarget).Start().ok());
    ASSERT_TRUE(cluster.Drained(kFallback, minutes(5))) << "seed " << seed << ": nothing restarts the delivery";
    EXPECT_EQ(cluster.MissingAt(kTarget), std::vector<std::string>()) << "seed " << seed;
  }
  EXPECT_GT(acked, 200u);
  EXPECT_EQ(crashes, 100u);
}

// P10, P11: at the instant of the ack the hint is on the fallback's platter.
TEST(HintsTest, AnAckedHintIsOnTheDisk) {
  HintCluster cluster(5);
  cluster.node(kTarget).PowerLoss();
  for (int i = 0, from = 0; i < 10; ++i) {
    const RecordKey key = cluster.KeyFor(kFallback, kTarget, from);
    cluster.Hint(kFallback, kTarget, key);
    from = std::stoi(key.key.substr(1)) + 1;
    const bool acked = cluster.scheduler.RunUntilTrue([&] { return cluster.written.back().acked; },
                                                      cluster.scheduler.now() + seconds(5));
    ASSERT_TRUE(acked);
    absl::StatusOr<Object> image = cluster.node(kFallback).ReadDurableHints(key);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_TRUE(image->vv().Covers(cluster.written.back().dot));
  }
}

// The check above must see a store whose syncs do nothing.
TEST(HintsTest, H17UnsyncedHintsWouldBeSeen) {
  size_t lost = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    HintCluster cluster(seed);
    SimNodeOptions lying{.member = kFallback, .state = cluster.ring->state(), .shards = 2, .lying_syncs = true};
    auto& slot = cluster.nodes[kFallback.value() - 1];
    slot.reset();
    slot = std::make_unique<SimNode>(cluster.scheduler, cluster.network, SimRandom(seed + 100), cluster.monitor,
                                     cluster.serious, std::move(lying), [] {});
    ASSERT_TRUE(slot->Start().ok());
    cluster.node(kTarget).PowerLoss();
    for (int i = 0, from = 0; i < 8; ++i) {
      const RecordKey key = cluster.KeyFor(kFallback, kTarget, from);
      cluster.Hint(kFallback, kTarget, key);
      from = std::stoi(key.key.substr(1)) + 1;
    }
    cluster.scheduler.RunFor(milliseconds(50));
    ASSERT_GT(cluster.Acked(), 0u);
    slot->PowerLoss();
    ASSERT_TRUE(cluster.node(kTarget).Start().ok());
    if (!slot->Start().ok()) {
      ++lost;
      continue;
    }
    cluster.scheduler.RunFor(minutes(3));
    lost += cluster.MissingAt(kTarget).size();
  }
  EXPECT_GT(lost, 0u);
}

// H21: no window after which a hint is forgotten; the attempts meanwhile back off.
TEST(HintsTest, H21HintsOutliveALongOutage) {
  HintCluster cluster(7);
  cluster.node(kTarget).PowerLoss();
  for (int i = 0, from = 0; i < 20; ++i) {
    const RecordKey key = cluster.KeyFor(kFallback, kTarget, from);
    cluster.Hint(kFallback, kTarget, key);
    from = std::stoi(key.key.substr(1)) + 1;
  }
  cluster.scheduler.RunFor(seconds(5));
  EXPECT_EQ(cluster.Acked(), 20u);
  cluster.scheduler.RunFor(minutes(20));
  EXPECT_EQ(cluster.node(kFallback).hint_figures().hints, 20u);
  uint64_t attempts = 0;
  for (int i = 0; i < 2; ++i) attempts += cluster.node(kFallback).node().shard(i).hint_figures().delivery_failures;
  EXPECT_GT(attempts, 20u) << "liveness is an opinion";
  EXPECT_LT(attempts, 400u) << "attempts back off";
  ASSERT_TRUE(cluster.node(kTarget).Start().ok());
  EXPECT_TRUE(cluster.Drained(kFallback, minutes(3)));
  EXPECT_TRUE(cluster.MissingAt(kTarget).empty());
}

// H39: the fallback reaches the target in one direction only: acks are lost. Nothing goes before an ack, and the merges
// that arrive again and again change nothing.
TEST(HintsTest, H39LostAcksKeepTheHint) {
  HintCluster cluster(9);
  cluster.network.Cut(kTarget.value(), kFallback.value());
  const RecordKey key = cluster.KeyFor(kFallback, kTarget, 0);
  cluster.Hint(kFallback, kTarget, key);
  cluster.scheduler.RunFor(minutes(2));
  EXPECT_EQ(cluster.Acked(), 1u);
  EXPECT_EQ(cluster.node(kFallback).hint_figures().hints, 1u) << "nobody said that it arrived";
  EXPECT_TRUE(cluster.MissingAt(kTarget).empty()) << "though it did";
  cluster.network.Heal();
  EXPECT_TRUE(cluster.Drained(kFallback, minutes(3)));
  EXPECT_EQ(cluster.node(kTarget).ReadRecord(key).siblings().size(), 1u);
}

// H18: the target is replaced while its hints are pending: all owners of the day get them.
TEST(HintsTest, H18HintsFollowTheOwners) {
  HintCluster cluster(11);
  cluster.node(kTarget).PowerLoss();
  const RecordKey key = cluster.KeyFor(kFallback, kTarget, 0);
  cluster.Hint(kFallback, kTarget, key);
  cluster.scheduler.RunFor(seconds(2));
  ASSERT_EQ(cluster.Acked(), 1u);

  // The fallback becomes an owner in the target's place; only owners of this partition need to know.
  ClusterState state = cluster.ring->state();
  std::vector<MemberId>& owners = state.owners[key.partition.value()];
  std::replace(owners.begin(), owners.end(), kTarget, kFallback);
  const std::vector<MemberId> now = owners;
  const auto ring = std::make_shared<const Ring>(std::move(state));
  for (auto& node : cluster.nodes) {
    if (node->running()) node->OnEachShard([ring](Shard& shard) { shard.UpdateRing(ring); });
  }
  EXPECT_TRUE(cluster.Drained(kFallback, minutes(1))) << "without the old target";
  for (MemberId owner : now) {
    EXPECT_TRUE(cluster.node(owner).ReadRecord(key).vv().Covers(cluster.written[0].dot)) << owner.value();
  }
}

// A target that comes back is served at once when its peers hear of it, however long it was away.
TEST(HintsTest, ALivenessChangeWakesTheDelivery) {
  HintCluster cluster(13);
  cluster.node(kTarget).PowerLoss();
  auto say = [&](Liveness liveness) {
    std::vector<LivenessSnapshot::Entry> entries = {{kTarget, liveness, 1}};
    auto snapshot = std::make_shared<const LivenessSnapshot>(std::move(entries));
    cluster.node(kFallback).OnEachShard([snapshot](Shard& shard) { shard.UpdateLiveness(snapshot); });
  };
  say(Liveness::kDead);
  cluster.Hint(kFallback, kTarget, cluster.KeyFor(kFallback, kTarget, 0));
  cluster.scheduler.RunFor(minutes(5));
  ASSERT_TRUE(cluster.node(kTarget).Start().ok());
  say(Liveness::kAlive);
  EXPECT_TRUE(cluster.Drained(kFallback, milliseconds(500)));
  EXPECT_TRUE(cluster.MissingAt(kTarget).empty());
}

// The same seed is the same history, hints included.
TEST(HintsTest, OneSeedIsOneHistory) {
  auto run = [](uint64_t seed) {
    HintCluster cluster(seed, {.loss = 0.1, .duplicate = 0.1, .reorder = 0.2});
    cluster.node(kTarget).PowerLoss();
    for (int i = 0, from = 0; i < 12; ++i) {
      const RecordKey key = cluster.KeyFor(kFallback, kTarget, from);
      cluster.Hint(kFallback, kTarget, key);
      from = std::stoi(key.key.substr(1)) + 1;
      cluster.scheduler.RunFor(milliseconds(2));
    }
    cluster.node(kFallback).PowerLoss();
    EXPECT_TRUE(cluster.node(kFallback).Start().ok());
    EXPECT_TRUE(cluster.node(kTarget).Start().ok());
    cluster.scheduler.RunFor(minutes(2));
    return cluster.scheduler.Unseed();
  };
  const uint64_t first = run(3);
  EXPECT_EQ(first, run(3));
  EXPECT_NE(first, run(4));
}

}  // namespace
}  // namespace henge::sim
