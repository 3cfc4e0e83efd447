// Anti-entropy in whole simulated clusters (I3, I16, P15).
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/world.h"

namespace henge::sim {
namespace {

std::string Show(const RunResult& result) {
  std::string text = "seed " + std::to_string(result.seed);
  for (const Violation& v : result.violations) text += "\n  " + v.invariant + ": " + v.what;
  return text;
}

// A node comes back with an empty disk, and nobody reads: it is whole again all the same.
TEST(EntropyScenarioTest, AWipedDiskIsWholeAgainByAntiEntropyAlone) {
  uint64_t whole = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    WorldOptions options = WorldOptions::FromSeed(seed);
    options.faults = {.wipe = true, .events = 0};
    options.workload.w = 3;
    options.workload.r = 1;
    options.strict.clients = 0;
    options.converge_alone = true;
    const RunResult result = RunWorld(options);
    EXPECT_TRUE(result.violations.empty()) << Show(result);
    whole += result.wiped_whole;
  }
  EXPECT_GE(whole, 11u);
}

// Replicas that missed writes behind a partition are equal soon after the heal.
TEST(EntropyScenarioTest, ConvergesAfterFaultsWithNoReadToHelp) {
  uint64_t converged = 0, repaired = 0;
  for (uint64_t seed = 100; seed < 120; ++seed) {
    WorldOptions options = WorldOptions::FromSeed(seed);
    options.faults = {.crashes = true, .kills = true, .partitions = true, .events = 12};
    options.converge_alone = true;
    const RunResult result = RunWorld(options);
    EXPECT_TRUE(result.violations.empty()) << Show(result);
    EXPECT_LE(result.convergence, std::chrono::seconds(30));
    converged += result.converged_alone;
    repaired += result.repaired;
  }
  EXPECT_EQ(converged, 20u);
  EXPECT_GT(repaired, 5u);
}

TEST(EntropyScenarioTest, ALeafThatMissesMergesIsFound) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    WorldOptions options = WorldOptions::FromSeed(seed);
    options.bug = PlantedBug::kStaleLeaf;
    for (const Violation& v : RunWorld(options).violations) found += v.invariant == "I16" ? 1 : 0;
  }
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace henge::sim
