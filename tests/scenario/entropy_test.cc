// Anti-entropy in whole simulated clusters (I3, I16, P15).
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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

// A few nodes, each owner of everything, and records that are put into their stores past them.
class Owners {
 public:
  explicit Owners(uint32_t count, ScrubOptions scrub = {}) : random_(1), network_(scheduler, random_.Split("net"), {}) {
    std::vector<InitialMember> members;
    for (uint32_t i = 1; i <= count; ++i) {
      const std::string host = absl::StrCat("n", i);
      members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
    }
    const ClusterState state = *MakeInitialState("owners", 3, std::move(members));
    for (uint32_t i = 1; i <= count; ++i) {
      SimNodeOptions options{.member = MemberId(i), .state = state, .scrub = scrub};
      nodes_.push_back(
          std::make_unique<SimNode>(scheduler, network_, random_, monitor_, serious_, std::move(options), [] {}));
    }
  }

  void StartAll() {
    for (auto& node : nodes_) EXPECT_TRUE(node->Start().ok());
  }
  SimNode& node(uint32_t i) { return *nodes_[i - 1]; }
  SimNetwork& network() { return network_; }

  CommitItem ItemOf(int i) {
    const std::string key = absl::StrCat("key:", i);
    Minter minter{.store = StoreId(7), .lifetime = Lifetime(7)};
    Mutation mutation;
    mutation.value = ValueOf(i);
    mutation.op_id = {1, static_cast<uint64_t>(i) + 1};
    Minted minted = MintVersion(Object(), std::nullopt, VersionVector(), std::move(mutation), 0, &minter);
    CommitItem item{{PartitionOf(key), BucketId(1), key}, {minted.object.Encode(), std::nullopt, 0}};
    item.leaf_delta = RecordHash(nodes_[0]->TreeKey(), item.key.bucket, key, item.record.object);
    return item;
  }
  // Long, and hard to compress.
  static std::string ValueOf(int i) {
    SimRandom random(static_cast<uint64_t>(i) + 1);
    std::string value;
    while (value.size() < 500) value.push_back(static_cast<char>(random.Below(256)));
    return value;
  }
  void Load(std::vector<uint32_t> to, int count) {
    for (int first = 0; first < count; first += 100) {
      std::vector<CommitItem> items;
      for (int i = first; i < std::min(count, first + 100); ++i) items.push_back(ItemOf(i));
      for (uint32_t member : to) node(member).Load(items);
    }
  }
  int RecordsAt(uint32_t member, int count) {
    int there = 0;
    for (int i = 0; i < count; ++i) {
      const CommitItem item = ItemOf(i);
      there += node(member).ReadRecord(item.key).Encode() == item.record.object ? 1 : 0;
    }
    return there;
  }
  bool Equal() {
    for (int p = 0; p < kPartitionCount; ++p) {
      const PartitionId partition(static_cast<uint16_t>(p));
      for (auto& node : nodes_) {
        if (node->ReadRoot(partition) != nodes_[0]->ReadRoot(partition)) return false;
      }
    }
    return true;
  }
  uint64_t Recovering() {
    uint64_t recovering = 0;
    for (auto& node : nodes_) recovering += node->running() ? node->EntropyFigures().recovering : 0;
    return recovering;
  }
  uint64_t Repaired() {
    uint64_t repaired = 0;
    for (auto& node : nodes_) repaired += node->EntropyFigures().repaired_here + node->EntropyFigures().repaired_there;
    return repaired;
  }
  bool Await(const std::function<bool()>& holds, Duration within) {
    return scheduler.RunUntilTrue(holds, scheduler.now() + within);
  }
  // Sends one get to a node, and lets time pass until it is answered.
  ClientReply Get(uint32_t at, const std::string& key, uint32_t quorum) {
    ClientRequest request{.key = key, .consistency = {.quorum = quorum, .has_quorum = true}, .budget = seconds(2)};
    return Do(at, std::move(request));
  }
  ClientReply Put(uint32_t at, const std::string& key, uint32_t quorum) {
    ClientRequest request{.op = ClientOp::kPut, .key = key, .value = "v", .op_id = {1, 1}};
    request.consistency = {.quorum = quorum, .has_quorum = true, .mode = QuorumMode::kStrict};
    request.budget = seconds(2);
    return Do(at, std::move(request));
  }

 private:
  ClientReply Do(uint32_t at, ClientRequest request) {
    auto answer = std::make_shared<std::optional<ClientReply>>();
    node(at).node().Submit(std::move(request), [answer](ClientReply reply) { *answer = std::move(reply); });
    EXPECT_TRUE(Await([&] { return answer->has_value(); }, seconds(10)));
    return answer->value_or(ClientReply());
  }

 public:
  SimScheduler scheduler{1};

 private:
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  std::vector<SeriousEvent> serious_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

// Both sides of a pair see the same differences: each is repaired by one of them. Without that nearly all by both.
TEST(EntropyScenarioTest, ADifferenceIsRepairedByOneSideOnly) {
  constexpr int kRecords = 3000;
  Owners pair(2);
  pair.StartAll();
  pair.scheduler.RunFor(seconds(20));
  pair.network().Cut(1, 2);
  pair.network().Cut(2, 1);
  pair.Load({1}, kRecords);
  pair.network().Heal();
  ASSERT_TRUE(pair.Await([&] { return pair.Equal(); }, seconds(60)));
  pair.scheduler.RunFor(seconds(20));
  EXPECT_GE(pair.Repaired(), uint64_t{kRecords});
  EXPECT_LE(pair.Repaired(), uint64_t{kRecords} * 11 / 10);
}

// H44, P35: a bit flips on the platter of one node. Nobody reads; the scrub finds it and the peers' copies mend it.
TEST(EntropyScenarioTest, H44AFlippedBitInATableIsFoundByTheScrubAndMended) {
  constexpr int kRecords = 600;
  Owners cluster(3, {.pause = milliseconds(20)});
  cluster.StartAll();
  cluster.Load({1, 2, 3}, kRecords);
  cluster.node(1).Kill();
  ASSERT_TRUE(cluster.node(1).Start().ok());  // makes a table of its log
  cluster.scheduler.RunFor(seconds(1));
  cluster.node(1).Kill();
  ASSERT_TRUE(cluster.node(1).FlipBitInTable());
  ASSERT_TRUE(cluster.node(1).Start().ok());
  const uint64_t mends = cluster.node(1).scrub_figures().leaves_mended;
  EXPECT_EQ(mends, 0u);
  ASSERT_TRUE(cluster.Await([&] { return cluster.node(1).scrub_figures().passes > 0; }, seconds(600)));
  EXPECT_GT(cluster.node(1).scrub_figures().unreadable, 0u);
  EXPECT_EQ(cluster.node(1).scrub_figures().leaves_mended, cluster.node(1).scrub_figures().unreadable);
  cluster.node(2).Kill();
  cluster.node(3).Kill();
  EXPECT_EQ(cluster.RecordsAt(1, kRecords), kRecords);
}

// P15, P31: a node whose disk was lost can't tell that from its first start before it has heard the others. What it
// does not have counts for nothing from the first message on: here it is asked before it can have heard anything.
TEST(EntropyScenarioTest, P31AnEmptyNodeDoesNotCountBeforeItWasComparedWithTheOthers) {
  Owners cluster(3);
  cluster.StartAll();
  ASSERT_TRUE(cluster.Await([&] { return cluster.node(1).node().ring()->version() > StateVersion(1); }, seconds(60)));
  ASSERT_TRUE(cluster.Await([&] { return cluster.Recovering() == 0; }, seconds(60)));
  cluster.node(3).PowerLoss();
  ASSERT_TRUE(cluster.Put(1, "k", 2).status.ok()) << "on n1 and n2";
  cluster.node(1).PowerLoss();
  cluster.node(2).PowerLoss();
  cluster.node(2).Wipe();
  ASSERT_TRUE(cluster.node(3).Start().ok());
  ASSERT_TRUE(cluster.node(2).Start().ok());
  const ClientReply early = cluster.Get(3, "k", 2);
  EXPECT_TRUE(absl::IsUnavailable(early.status) || absl::IsDeadlineExceeded(early.status))
      << "n2 has lost what it acknowledged: " << early.status;
  ASSERT_TRUE(cluster.node(1).Start().ok());
  ASSERT_TRUE(cluster.Await([&] { return cluster.Recovering() == 0; }, seconds(60)));
  EXPECT_EQ(cluster.Get(2, "k", 1).values, std::vector<std::string>{"v"});
}

// The same while all that is left knows version 1 only, for one member has never started: that others have heard of no
// later version is no proof that nothing was lost.
TEST(EntropyScenarioTest, P31AnEmptyNodeDoesNotCountAmongMembersOfVersionOneEither) {
  Owners cluster(3);
  ASSERT_TRUE(cluster.node(1).Start().ok());
  ASSERT_TRUE(cluster.node(2).Start().ok());
  ASSERT_TRUE(cluster.Await([&] { return cluster.Recovering() == 0; }, seconds(120))) << "n3 is dead to gossip";
  ASSERT_TRUE(cluster.Put(1, "k", 2).status.ok());
  cluster.node(1).PowerLoss();
  cluster.node(2).PowerLoss();
  cluster.node(2).Wipe();
  ASSERT_TRUE(cluster.node(2).Start().ok());
  ASSERT_TRUE(cluster.node(3).Start().ok());
  for (int i = 0; i < 5; ++i) {
    const ClientReply reply = cluster.Get(3, "k", 2);
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable) << "n1 is not known to be dead";
    cluster.scheduler.RunFor(milliseconds(200));
  }
  ASSERT_TRUE(cluster.node(1).Start().ok());
  ASSERT_TRUE(cluster.Await([&] { return cluster.Recovering() == 0; }, seconds(60)));
  EXPECT_EQ(cluster.Get(3, "k", 2).values, std::vector<std::string>{"v"});
}

// What a first start costs: nothing is there to compare, and reads count as soon as all have met.
TEST(EntropyScenarioTest, AFirstStartCountsAsSoonAsAllHaveMet) {
  Owners cluster(3);
  cluster.StartAll();
  ASSERT_TRUE(cluster.Await([&] { return cluster.Recovering() == 0; }, seconds(1)));
  EXPECT_EQ(cluster.Get(2, "k", 3).status.code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace henge::sim
