// Last-writer-wins buckets under broken clocks (P9, H45): jumps of minutes and of years, back and forth, with restarts.
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/world.h"

namespace henge::sim {
namespace {

WorldOptions ClocksAreBroken(uint64_t seed) {
  WorldOptions options = WorldOptions::FromSeed(seed);
  options.faults = {.crashes = true, .kills = true, .clock_jumps = true, .events = 16};
  options.workload.clients = 1;
  options.workload.ops_per_client = 5;
  options.lww = options.workload;
  options.lww.bucket = kLwwBucket;
  options.lww.first_client = 50;
  options.lww.clients = 4;
  options.lww.keys = 3;
  options.lww.ops_per_client = 60;
  options.lww.blind_puts = 30;
  options.lww.w = options.lww.r = 0;
  options.lww.refusals_are_final = options.link.duplicate == 0;
  return options;
}

TEST(LwwScenarioTest, H45NoWriteIsSwallowedByAVersionThatItsWriterHadSeen) {
  uint64_t acked = 0, ahead = 0, floors_ignored = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const RunResult result = RunWorld(ClocksAreBroken(seed), [&](const std::string& line) {
      ahead += line.find("StampTooFarAhead") != std::string::npos ? 1 : 0;
      floors_ignored += line.find("StampFloorIgnored") != std::string::npos ? 1 : 0;
    });
    std::string text = "seed " + std::to_string(seed);
    for (const Violation& v : result.violations) text += "\n  " + v.invariant + ": " + v.what;
    EXPECT_TRUE(result.violations.empty()) << text;
    acked += result.lww_acked;
  }
  // What the scenario is named after has happened.
  EXPECT_GT(acked, 1000u);
  EXPECT_GT(ahead, 100u) << "stamps that were too far ahead were merged";
  EXPECT_GT(floors_ignored, 0u) << "a node started after its clock had been far ahead";
}

}  // namespace
}  // namespace henge::sim
