// Failure detectors among each other: partitions, slow and half-connected nodes, new addresses.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/sim/gossip/gossip_cluster.h"

namespace henge::sim {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

int Deaths(const GossipCluster& cluster) {
  return static_cast<int>(
      std::count_if(cluster.seen().begin(), cluster.seen().end(),
                    [](const GossipCluster::Seen& seen) { return seen.event.kind == SwimEventKind::kDead; }));
}

TEST(Gossip, AKilledNodeIsFoundInTheSameTimeWhateverTheSize) {
  for (int nodes : {3, 10, 50}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      GossipCluster cluster({.nodes = nodes, .seed = seed});
      cluster.RunFor(seconds(10));
      cluster.Crash(0);
      auto all_know = [&] {
        for (int i = 1; i < nodes; ++i) {
          if (cluster.View(i, 0) != Liveness::kDead) return false;
        }
        return true;
      };
      EXPECT_TRUE(cluster.RunUntil(all_know, seconds(12)).has_value()) << nodes << " nodes, seed " << seed;
      EXPECT_EQ(Deaths(cluster), nodes - 1);
    }
  }
}

int Doubts(const GossipCluster& cluster) {
  return static_cast<int>(
      std::count_if(cluster.seen().begin(), cluster.seen().end(), [](const GossipCluster::Seen& seen) {
        return seen.event.kind == SwimEventKind::kSuspect || seen.event.kind == SwimEventKind::kDead;
      }));
}

// H39: others reach both, so nobody is even doubted.
// Bytes that each node sends, soon after a start of all nodes at once.
TEST(Gossip, ItCostsTheSameWhateverTheSize) {
  std::map<int, double> cost;
  for (int nodes : {3, 200}) {
    GossipCluster cluster({.nodes = nodes, .seed = 8});
    cluster.RunFor(seconds(20));
    const uint64_t before = cluster.bytes();
    cluster.RunFor(seconds(60));
    cost[nodes] = static_cast<double>(cluster.bytes() - before) / nodes;
  }
  EXPECT_LT(cost[200], 1.2 * cost[3]);
}

TEST(Gossip, H39_HalfConnectedNodesStayAliveForAll) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    GossipCluster cluster({.nodes = 3, .seed = seed});
    cluster.RunFor(seconds(3));
    cluster.ClearSeen();
    cluster.SetCut([](int from, int to) { return from + to == 1; });
    cluster.RunFor(seconds(120));
    EXPECT_EQ(Doubts(cluster), 0) << "seed " << seed;
  }
}

// H39: one direction of one link.
TEST(Gossip, H39_AOneWayCutKillsNobody) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    GossipCluster cluster({.nodes = 4, .seed = seed});
    cluster.RunFor(seconds(3));
    cluster.ClearSeen();
    cluster.SetCut([](int from, int to) { return from == 0 && to == 1; });
    cluster.RunFor(seconds(120));
    EXPECT_EQ(Doubts(cluster), 0) << "seed " << seed;
  }
}

TEST(Gossip, SevenDaysApartAndTogetherWithinSeconds) {
  GossipCluster cluster({.nodes = 4, .seed = 3});
  cluster.RunFor(seconds(5));
  cluster.SetCut([](int from, int to) { return (from < 2) != (to < 2); });
  cluster.RunFor(hours(24 * 7));
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      EXPECT_EQ(cluster.View(i, j), (i < 2) == (j < 2) ? Liveness::kAlive : Liveness::kDead) << i << " of " << j;
    }
  }
  cluster.SetCut(nullptr);
  const auto healed = cluster.RunUntil([&] { return cluster.AllAlive(); }, seconds(60));
  ASSERT_TRUE(healed.has_value());
  EXPECT_LT(*healed, seconds(10));
}

TEST(Gossip, ALargeClusterHealsWithinSecondsAndStays) {
  GossipCluster cluster({.nodes = 60, .seed = 4});
  cluster.RunFor(seconds(5));
  cluster.SetCut([](int from, int to) { return (from < 20) != (to < 20); });
  cluster.RunFor(seconds(120));
  EXPECT_EQ(cluster.View(0, 59), Liveness::kDead);
  cluster.SetCut(nullptr);
  const auto healed = cluster.RunUntil([&] { return cluster.AllAlive(); }, seconds(60));
  ASSERT_TRUE(healed.has_value());
  EXPECT_LT(*healed, seconds(10));
  cluster.RunFor(seconds(5));
  cluster.ClearSeen();
  cluster.RunFor(seconds(60));
  EXPECT_TRUE(cluster.seen().empty()) << "no flapping after the heal";
}

TEST(Gossip, TheSameMemberAtAnotherAddressIsTheSameMember) {
  for (bool waits_for_death : {false, true}) {
    GossipCluster cluster({.nodes = 5, .seed = 5});
    cluster.RunFor(seconds(5));
    if (waits_for_death) {
      cluster.Crash(2);
      cluster.RunFor(seconds(60));
      EXPECT_EQ(cluster.View(0, 2), Liveness::kDead);
    }
    cluster.Restart(2, "192.168.7.7:7401");
    auto known = [&] {
      for (int i = 0; i < 5; ++i) {
        if (cluster.swim(i).table().Find(GossipCluster::Id(2))->address != "192.168.7.7:7401") return false;
      }
      return cluster.AllAlive();
    };
    const auto took = cluster.RunUntil(known, seconds(60));
    ASSERT_TRUE(took.has_value());
    EXPECT_LT(*took, seconds(5));
  }
}

TEST(Gossip, LifeguardKeepsASlowNodeFromBlamingOthers) {
  int with = 0;
  int without = 0;
  for (bool lifeguard : {true, false}) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
      GossipOptions options{.nodes = 10, .seed = seed};
      options.swim.lifeguard = lifeguard;
      GossipCluster cluster(options);
      cluster.RunFor(seconds(5));
      cluster.ClearSeen();
      cluster.MakeSlow(0);
      cluster.RunFor(seconds(60));
      (lifeguard ? with : without) += Deaths(cluster);
    }
  }
  EXPECT_GT(without, 0) << "the trouble is too small to judge by";
  EXPECT_LT(with * 10, without);
}

TEST(Gossip, AForgedIncarnationKillsNobody) {
  GossipCluster cluster({.nodes = 5, .seed = 6});
  cluster.RunFor(seconds(5));
  cluster.ClearSeen();
  for (uint64_t incarnation : {uint64_t{1} << 19, uint64_t{1} << 30, UINT64_MAX}) {
    for (int to = 0; to < 5; ++to) {
      SwimCall call{.kind = SwimKind::kGossip, .target = {}, .updates = {}};
      call.updates.push_back({GossipCluster::Id(1), Liveness::kSuspect, incarnation, GossipCluster::Id(4), ""});
      cluster.Inject(4, to, call);
    }
    cluster.RunFor(seconds(30));
    EXPECT_TRUE(cluster.AllAlive()) << incarnation;
  }
  EXPECT_EQ(Deaths(cluster), 0);
  EXPECT_GT(cluster.swim(1).figures().forged, 0u);
}

}  // namespace
}  // namespace henge::sim
