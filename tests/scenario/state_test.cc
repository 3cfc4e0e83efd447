// The cluster state under faults: operators change it at every node at once while nodes crash, are cut off and lose
// their disks (P30, P31).
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/world.h"

namespace henge::sim {
namespace {

// Little data, many changes, many faults.
WorldOptions Contended(uint64_t seed, PlantedBug bug = PlantedBug::kNone) {
  WorldOptions options = WorldOptions::FromSeed(seed);
  options.bug = bug;
  options.nodes = 3 + seed % 3;
  options.duration = std::chrono::seconds(6);
  options.workload.clients = 1;
  options.workload.ops_per_client = 5;
  options.lww.clients = 0;
  options.strict.clients = 0;
  options.state.changes = 60;
  options.faults.crashes = options.faults.kills = options.faults.partitions = true;
  options.faults.events = 30;
  // So slow that crashes come between a promise and what follows from it.
  options.link.delay_mean = std::chrono::milliseconds(8);
  options.inspect_images = false;
  return options;
}

std::string Show(const RunResult& result) {
  std::string text = "seed " + std::to_string(result.seed);
  for (const Violation& v : result.violations) text += "\n  " + v.invariant + ": " + v.what;
  return text;
}

TEST(StateScenarioTest, P31ChangesUnderFaultsMakeOneHistory) {
  uint64_t versions = 0, changes = 0, wipes = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const RunResult result = RunWorld(Contended(seed));
    EXPECT_TRUE(result.violations.empty()) << Show(result);
    versions += result.state_versions, changes += result.state_changes, wipes += result.wipes;
  }
  EXPECT_GT(versions, 400u);
  EXPECT_GT(changes, 300u);
  EXPECT_GT(wipes, 3u);
}

// A node whose decided states were not written down finds its later vote alone, and does not start on it.
TEST(StateScenarioTest, AForgottenStateIsNoticedAtTheNextStart) {
  bool found = false;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    for (const Violation& v : RunWorld(Contended(seed, PlantedBug::kForgetStates)).violations) {
      found = found || v.what.find("but not the version before") != std::string::npos ||
              v.what.find("went back") != std::string::npos;
    }
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace henge::sim
