// P32: three of five nodes are gone for ever; the two that survive go on as another cluster, and a node that comes back
// late finds itself fenced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/bucket_changes.h"
#include "tests/sim/scene.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecoverScene {
 public:
  explicit RecoverScene(uint64_t seed, EngineBug bug = EngineBug::kNone) : scene_({.seed = seed, .bug = bug}) {}

  Scene& scene() { return scene_; }

  // Writes that are acknowledged, with a copy on n2 or n4 each: as a record, or as a hint of one whose owners are all
  // among the lost. Then n1, n3 and n5 lose power.
  void LoseTheMajority() {
    for (int i = 0; i < 40; ++i) {
      const std::string key = absl::StrCat("before-", i);
      Write(1 + i % 5, key, OwnedBy(key, 2) || OwnedBy(key, 4));
    }
    scene_.Run(seconds(2));
    scene_.node(2).PowerLoss();
    for (int i = 0; i < 40; ++i) {
      const std::string key = absl::StrCat("meanwhile-", i);
      if (OwnedBy(key, 4)) Write(4, key, /*survives=*/true);
    }
    scene_.Run(seconds(1));
    hints_of_n1_ = scene_.node(1).hint_figures().hints;
    for (int lost : {1, 3, 5}) scene_.node(lost).PowerLoss();
    scene_.Start(2);
    scene_.Run(seconds(15));
    for (int i = 0; i < 200 && hinted_ < 5; ++i) {
      const std::string key = absl::StrCat("hinted-", i);
      if (OwnedBy(key, 2) || OwnedBy(key, 4)) continue;
      Write(2, key, /*survives=*/true);
      hinted_ += values_.contains(key) ? 1 : 0;
    }
  }

  // Gives the command at `node` and waits for its end.
  absl::StatusOr<RecoverResult> Recover(int node, bool force) {
    auto result = std::make_shared<absl::StatusOr<RecoverResult>>(absl::UnknownError("no end"));
    scene_.node(node).Recover({.force = force}, seconds(5),
                              [result](absl::StatusOr<RecoverResult> end) { *result = std::move(end); });
    scene_.Until([&] { return !absl::IsUnknown(result->status()); }, seconds(10));
    return *result;
  }

  ClusterId Cluster(int node) {
    return scene_.node(node).running() ? scene_.node(node).node().ring()->cluster() : ClusterId();
  }
  // Both survivors go by one new cluster, and have compared what they gained.
  bool Recovered() {
    return Cluster(2) == Cluster(4) && Cluster(2) != old() && Cluster(2) != ClusterId() &&
           scene_.node(2).EntropyFigures().recovering == 0 && scene_.node(4).EntropyFigures().recovering == 0 &&
           scene_.node(2).hint_figures().hints + scene_.node(4).hint_figures().hints == 0;
  }
  bool AwaitRecovered() {
    return scene_.Until([this] { return Recovered(); }, seconds(60));
  }
  // Repeats the command until it is done, as an operator does.
  bool Finish() {
    for (int attempt = 0; attempt < 10; ++attempt) {
      scene_.Run(seconds(3));
      for (int node : {2, 4}) {
        if (Cluster(node) == old() && Recover(node, true).ok()) break;
      }
      scene_.Run(seconds(2));
      if (Cluster(2) == Cluster(4) && Cluster(2) != old()) return AwaitRecovered();
    }
    return false;
  }
  // Acknowledged values that are not what both survivors say, or store.
  std::vector<std::string> Missing() {
    std::vector<std::string> missing;
    for (const auto& [key, value] : values_) {
      for (int node : {2, 4}) {
        const ClientReply reply = scene_.Get(node, key, {.quorum = 2, .strict = true});
        if (reply.values != std::vector<std::string>{value}) {
          missing.push_back(absl::StrCat(key, " at n", node, ": ", reply.status.ToString()));
        } else if (scene_.Record(node, key).empty()) {
          missing.push_back(absl::StrCat(key, " is not stored at n", node));
        }
      }
    }
    return missing;
  }

  ClusterId old() const { return scene_.ring().cluster(); }
  uint64_t hints_of_n1() const { return hints_of_n1_; }
  int hinted() const { return hinted_; }
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  bool OwnedBy(const std::string& key, int node) const {
    const std::vector<int> owners = scene_.Owners(key);
    return std::find(owners.begin(), owners.end(), node) != owners.end();
  }
  // Only what has a copy on a survivor can be there afterwards.
  void Write(int node, const std::string& key, bool survives) {
    const ClientReply reply = scene_.Put(node, key, "v-" + key, {.quorum = 2});
    if (reply.status.ok() && survives) values_[key] = "v-" + key;
  }

  Scene scene_;
  std::map<std::string, std::string> values_;
  uint64_t hints_of_n1_ = 0;
  int hinted_ = 0;
};

TEST(RecoverScenarioTest, P32TheSurvivorsHaveEveryAcknowledgedWriteOfTheirsAndGoOn) {
  RecoverScene run(1);
  Scene& scene = run.scene();
  run.LoseTheMajority();
  EXPECT_EQ(run.hinted(), 5) << "acknowledged with two hints: their only copies";
  ASSERT_GT(run.values().size(), 40u);
  const auto shown = run.Recover(2, false);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_GT(shown->plan.partitions_lost, 0);
  EXPECT_EQ(run.Cluster(2), run.old());
  const std::string context = scene.Get(2, run.values().begin()->first, {.quorum = 1}).context;

  scene.Forget();
  const auto done = run.Recover(2, true);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_THAT(done->unconfirmed, IsEmpty());
  ASSERT_TRUE(run.AwaitRecovered());
  for (int node : {2, 4}) EXPECT_GT(scene.Count("PartitionsRecovered", node), 0) << "P15: what it gained counted later";
  EXPECT_EQ(run.Cluster(2), done->plan.cluster);
  EXPECT_THAT(run.Missing(), IsEmpty());
  EXPECT_EQ(scene.Change(4, [](const ClusterState& s) { return CreateBucket(s, "b", ConflictPolicy::kSiblings, {}); }),
            absl::OkStatus());
  EXPECT_TRUE(scene.Put(4, "after", "v", {.quorum = 2, .strict = true}).status.ok());
  const absl::Status stale = scene.Put(2, run.values().begin()->first, "w", {.context = context}).status;
  EXPECT_EQ(stale.code(), absl::StatusCode::kInvalidArgument) << stale;
  EXPECT_THAT(std::string(stale.message()), HasSubstr("another cluster"));
  EXPECT_THAT(scene.Troubles(), IsEmpty());
}

TEST(RecoverScenarioTest, P32AnOldNodeThatComesBackIsFencedAndLosesNothing) {
  RecoverScene run(2);
  Scene& scene = run.scene();
  run.LoseTheMajority();
  ASSERT_GT(run.hints_of_n1(), 0u);
  ASSERT_TRUE(run.Recover(4, true).ok());
  ASSERT_TRUE(run.AwaitRecovered());
  const ClusterId recovered = run.Cluster(2);
  const auto held = std::find_if(run.values().begin(), run.values().end(), [&](const auto& one) {
    const std::vector<int> owners = scene.Owners(one.first);
    return std::find(owners.begin(), owners.end(), 1) != owners.end();
  });
  ASSERT_NE(held, run.values().end());
  ASSERT_TRUE(scene.Put(2, held->first, "newer", {.quorum = 2}).status.ok());
  const Object before = scene.Record(2, held->first);

  scene.Forget();
  scene.Start(1);
  scene.Run(seconds(30));
  EXPECT_EQ(run.Cluster(1), run.old());
  EXPECT_EQ(run.Cluster(2), recovered);
  EXPECT_GT(scene.Count("GossipRefused") + scene.Count("ForeignStateRefused"), 0);
  EXPECT_EQ(scene.Count("GivenUp", 1), 1);
  const ClientReply refused = scene.Get(1, held->first, {.quorum = 1});
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.status.message()), HasSubstr("was given up"));
  EXPECT_EQ(scene.Record(2, held->first), before) << "nothing of it was merged";
  EXPECT_EQ(scene.node(1).hint_figures().hints, run.hints_of_n1()) << "nothing of it was taken";
  EXPECT_FALSE(scene.Record(1, held->first).empty()) << "and it has what it had";
  EXPECT_EQ(scene.node(2).liveness()->entries().size(), 2u) << "itself and n4: n1 is no member";

  // Even a message of the right epoch.
  absl::Status merged;
  const RecordKey key = scene.At(held->first);
  MergeRequest merge{.key = key, .epoch = scene.node(2).node().ring()->Epoch(key.partition)};
  merge.object = scene.Record(1, held->first).Encode();
  scene.node(2).HandlePeer(MemberId(1), std::move(merge), seconds(1),
                           [&merged](const absl::StatusOr<PeerReply>& reply) { merged = reply.status(); });
  scene.Run(seconds(1));
  EXPECT_EQ(merged.code(), absl::StatusCode::kPermissionDenied) << merged;
  EXPECT_THAT(scene.Troubles("GivenUp"), IsEmpty());
}

// Crashes at all instants of the recovery; what is begun is brought to its end by repeating the command.
TEST(RecoverScenarioTest, P32ACrashInTheMiddleAndARepetitionEndWithOneCluster) {
  int before = 0, after = 0;
  for (int i = 0; i < 10; ++i) {
    const int victim = i % 2 == 0 ? 4 : 2;
    RecoverScene run(10 + static_cast<uint64_t>(i));
    run.LoseTheMajority();
    run.scene().node(2).Recover({.force = true}, seconds(3), [](const absl::StatusOr<RecoverResult>&) {});
    // The three questions take a round trip each, after one to the lost, whose time-out is waited for.
    run.scene().Run(milliseconds(1500 + 4 * i));
    run.scene().node(victim).PowerLoss();
    run.scene().Run(seconds(1));
    (run.Cluster(6 - victim) == run.old() ? before : after) += 1;
    run.scene().Start(victim);
    EXPECT_TRUE(run.Finish()) << "crash " << i;
    EXPECT_THAT(run.Missing(), IsEmpty()) << "crash " << i;
    EXPECT_THAT(run.scene().Troubles(), IsEmpty()) << "crash " << i;
  }
  EXPECT_GT(before, 0) << "some crashed before it was decided";
  EXPECT_GT(after, 0) << "and some afterwards";
}

// Planted: the new state is acknowledged before it is stored. The survivors then don't start by it.
TEST(RecoverScenarioTest, P32AStateThatIsNotDurableIsNoticed) {
  RecoverScene run(3, EngineBug::kForgetStates);
  run.LoseTheMajority();
  const bool told = run.Recover(2, true).ok();
  EXPECT_FALSE(told && run.AwaitRecovered() && run.scene().Troubles().empty());
}

}  // namespace
}  // namespace henge::sim
