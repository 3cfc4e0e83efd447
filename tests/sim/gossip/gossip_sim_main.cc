// henge-gossip-sim [--seeds N]: what gossip costs and how well it judges, as two tables (docs/TESTING.md).
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/sim/gossip/gossip_cluster.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Until the first, and until every other node holds a killed node dead; and the bytes of a minute before.
void PrintCost(int nodes, int kills) {
  std::vector<double> first;
  std::vector<double> all;
  double bytes = 0;
  for (int kill = 0; kill < kills; ++kill) {
    GossipCluster cluster({.nodes = nodes, .seed = static_cast<uint64_t>(1000 * nodes + kill)});
    cluster.RunFor(seconds(20));
    const uint64_t before = cluster.bytes();
    cluster.RunFor(seconds(60));
    bytes += static_cast<double>(cluster.bytes() - before) / 60 / nodes;
    cluster.RunFor(milliseconds(37 * kill));
    cluster.Crash(0);
    auto dead_at = [&](int by) { return cluster.View(by, 0) == Liveness::kDead; };
    auto count = [&] {
      int n = 0;
      for (int i = 1; i < nodes; ++i) n += dead_at(i) ? 1 : 0;
      return n;
    };
    const auto one = cluster.RunUntil([&] { return count() > 0; }, seconds(120));
    const auto rest = cluster.RunUntil([&] { return count() == nodes - 1; }, seconds(120));
    if (!one.has_value() || !rest.has_value()) {
      std::printf("%5d  a dead node was not found within 2 minutes\n", nodes);
      return;
    }
    first.push_back(InSeconds(*one));
    all.push_back(InSeconds(*one + *rest));
  }
  std::sort(first.begin(), first.end());
  std::sort(all.begin(), all.end());
  std::printf("%5d  %9.2f  %9.2f  %9.2f  %9.2f  %12.0f\n", nodes, first[first.size() / 2], first.back(),
              all[all.size() / 2], all.back(), bytes / kills);
}

struct Judged {
  uint64_t healthy_dead = 0;  // views in which a node that has no trouble became dead
  uint64_t troubled_dead = 0;
  uint64_t suspects = 0;
  uint64_t seeds_hit = 0;  // seeds with any of the first two
};

template <class Trouble>
Judged Judge(int nodes, uint64_t seeds, bool lifeguard, std::vector<int> troubled, Trouble trouble) {
  Judged judged;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    GossipOptions options{.nodes = nodes, .seed = seed};
    options.swim.lifeguard = lifeguard;
    GossipCluster cluster(options);
    cluster.RunFor(seconds(5));
    cluster.ClearSeen();
    trouble(cluster);
    cluster.RunFor(seconds(60));
    bool hit = false;
    for (const GossipCluster::Seen& seen : cluster.seen()) {
      judged.suspects += seen.event.kind == SwimEventKind::kSuspect ? 1 : 0;
      if (seen.event.kind != SwimEventKind::kDead) continue;
      const int whom = GossipCluster::Index(seen.event.member);
      const bool expected = std::find(troubled.begin(), troubled.end(), whom) != troubled.end();
      ++(expected ? judged.troubled_dead : judged.healthy_dead);
      hit = true;
    }
    judged.seeds_hit += hit ? 1 : 0;
  }
  return judged;
}

void PrintJudged(const char* what, bool lifeguard, const Judged& judged) {
  std::printf("%-16s  %-9s  %12llu  %13llu  %9llu  %10llu\n", what, lifeguard ? "on" : "off",
              static_cast<unsigned long long>(judged.healthy_dead),
              static_cast<unsigned long long>(judged.troubled_dead), static_cast<unsigned long long>(judged.suspects),
              static_cast<unsigned long long>(judged.seeds_hit));
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  uint64_t seeds = 1000;
  if (argc == 3 && std::strcmp(argv[1], "--seeds") == 0) {
    const char* end = argv[2] + std::strlen(argv[2]);
    if (std::from_chars(argv[2], end, seeds).ptr != end || seeds == 0) argc = 0;
  } else if (argc != 1) {
    argc = 0;
  }
  if (argc == 0) {
    std::fprintf(stderr, "usage: henge-gossip-sim [--seeds N]\n");
    return 1;
  }
  std::printf("a killed node is held dead, seconds       first one          by all others    bytes/node/s\n");
  std::printf("nodes     median      worst     median      worst\n");
  for (int nodes : {3, 10, 50, 200}) PrintCost(nodes, nodes > 100 ? 5 : 20);
  constexpr int kNodes = 10;
  std::printf("\nfalse positives: %d nodes, %llu seeds, 60 s each; views that changed\n", kNodes,
              static_cast<unsigned long long>(seeds));
  std::printf("trouble           lifeguard  healthy dead  troubled dead   suspects  seeds hit\n");
  for (bool lifeguard : {true, false}) {
    PrintJudged("one slow node", lifeguard,
                Judge(kNodes, seeds, lifeguard, {0}, [](GossipCluster& cluster) { cluster.MakeSlow(0); }));
    PrintJudged("half-connected", lifeguard, Judge(kNodes, seeds, lifeguard, {}, [](GossipCluster& cluster) {
                  cluster.SetCut([](int from, int to) { return from + to == 1; });
                }));
  }
  return 0;
}

}  // namespace
}  // namespace henge::sim

int main(int argc, char** argv) { return henge::sim::Main(argc, argv); }
