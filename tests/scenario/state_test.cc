// The cluster state under faults: operators change it at every node at once while nodes crash, are cut off and lose
// their disks (P30, P31).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/bucket_changes.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/state_watch.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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

// n1 decides a change with n2's vote. Before n2 hears that it was decided it loses power; n1 is cut off, and n3, which
// knows of nothing, has n2 vote again.
class VoterCrash {
 public:
  explicit VoterCrash(EngineBug bug)
      : random_(3),
        network_(scheduler_, random_.Split("net"), {.delay_min = milliseconds(20), .delay_mean = Duration(1)}) {
    std::vector<InitialMember> members;
    for (int i = 1; i <= 3; ++i) members.push_back({.name = absl::StrCat("n", i)});
    const ClusterState state = *MakeInitialState("votes", 3, std::move(members));
    for (uint32_t i = 1; i <= 3; ++i) {
      SimNodeOptions options{.member = MemberId(i), .state = state, .bug = bug, .watch = &watch_};
      nodes_.push_back(
          std::make_unique<SimNode>(scheduler_, network_, random_, monitor_, serious_, std::move(options), [] {}));
    }
  }

  void Run() {
    for (auto& node : nodes_) ASSERT_TRUE(node->Start().ok());
    ASSERT_TRUE(Await([&] { return watch_.Agree(3) && watch_.newest() == StateVersion(2); }));
    Cut(3, 1), Cut(3, 2);
    Create(1, "first");
    ASSERT_TRUE(Await([&] { return VersionAt(1) == StateVersion(3); }));
    ASSERT_EQ(VersionAt(2), StateVersion(2)) << "what was decided is on its way";
    nodes_[1]->PowerLoss();
    network_.Heal();
    Cut(1, 2), Cut(1, 3);
    ASSERT_TRUE(nodes_[1]->Start().ok());
    Create(3, "second");
    scheduler_.RunFor(seconds(10));
    network_.Heal();
    scheduler_.RunFor(seconds(60));
  }

  bool Has(int node, const std::string& bucket) {
    return nodes_[static_cast<size_t>(node - 1)]->node().ring()->state().FindBucket(bucket) != nullptr;
  }
  const Violations& violations() const { return watch_.violations(); }

 private:
  void Cut(HostId a, HostId b) { network_.Cut(a, b), network_.Cut(b, a); }
  bool Await(const std::function<bool()>& holds) {
    return scheduler_.RunUntilTrue(holds, scheduler_.now() + seconds(60));
  }
  void Create(int node, const std::string& bucket) {
    nodes_[static_cast<size_t>(node - 1)]->ChangeState(
        [bucket](const ClusterState& s) { return CreateBucket(s, bucket, ConflictPolicy::kSiblings, {}); }, seconds(8),
        [](const absl::StatusOr<StateVersion>&) {});
  }
  StateVersion VersionAt(int node) { return nodes_[static_cast<size_t>(node - 1)]->node().ring()->version(); }

  SimScheduler scheduler_{3};
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  std::vector<SeriousEvent> serious_;
  StateWatch watch_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

TEST(StateScenarioTest, P31AVoteOutlivesAPowerLossSoThatWhatWasDecidedStays) {
  VoterCrash run(EngineBug::kNone);
  run.Run();
  for (const Violation& v : run.violations()) ADD_FAILURE() << v.invariant << ": " << v.what;
  for (int node = 1; node <= 3; ++node) EXPECT_TRUE(run.Has(node, "first") && run.Has(node, "second")) << node;
}

TEST(StateScenarioTest, P31AForgottenVoteMakesTwoStatesOfOneVersion) {
  VoterCrash run(EngineBug::kForgetVotes);
  run.Run();
  bool found = false;
  for (const Violation& v : run.violations())
    found = found || v.what.find("another state of version 3") != std::string::npos;
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace henge::sim
