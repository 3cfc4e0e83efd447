// P32 on real processes: three of five are gone for ever, the two that survive go on as another cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/model/cluster_state.h"
#include "core/model/slot.h"
#include "henge/admin.h"
#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class HengedRecoverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartAll());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(cluster_.AwaitState(i, 2));
    old_ = cluster_.client(0).Status().cluster();
    const auto encoded = FetchClusterState(cluster_.client_address(0), seconds(5));
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    before_ = *ClusterState::Decode(encoded->state);
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(cluster_.client(i % 5).Put(Key(i), Value(i)).ok());
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE(HengedCluster::AwaitTrue([&] {
        const auto shown = ExplainKey(cluster_.client_address(0), "default", Key(i), seconds(5));
        return shown.ok() && shown->replicas_equal;
      })) << "all owners have what two have acknowledged";
    }
  }
  // Whether n2 or n4 owns it.
  bool Survives(const std::string& key) const {
    const auto& owners = before_.owners[PartitionOf(key).value()];
    return std::any_of(owners.begin(), owners.end(), [](MemberId id) { return id.value() == 2 || id.value() == 4; });
  }
  static std::string Key(int i) { return "key-" + std::to_string(i); }
  static std::string Value(int i) { return "value-" + std::to_string(i); }
  absl::StatusOr<RecoverView> Recover(int at, bool force, const std::vector<std::string>& survivors = {}) {
    return RecoverCluster(cluster_.client_address(at), survivors, force, seconds(8));
  }
  void LoseTheMajority() {
    for (int i : {0, 2, 4}) cluster_.process(i).Kill();
  }

  HengedCluster cluster_{5};
  uint64_t old_ = 0;
  ClusterState before_;
};

TEST_F(HengedRecoverTest, P32TheSurvivorsGoOnAndAnOldNodeIsRefused) {
  const absl::Status whole = Recover(1, true).status();
  EXPECT_EQ(whole.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(whole.message()), HasSubstr("nothing to recover"));
  LoseTheMajority();
  EXPECT_EQ(Recover(1, true, {"n2", "n3"}).status().code(), absl::StatusCode::kUnavailable) << "n3 is gone";
  const auto shown = Recover(1, false);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_FALSE(shown->done);
  EXPECT_EQ(cluster_.client(1).Status().cluster(), old_);

  const auto done = Recover(1, true, {"n2", "n4"});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->done);
  EXPECT_TRUE(done->unconfirmed.empty());
  for (int i : {1, 3}) {
    EXPECT_TRUE(HengedCluster::AwaitTrue([&] { return cluster_.client(i).Status().cluster() == done->cluster; })) << i;
  }
  ASSERT_TRUE(cluster_.AwaitPeers(1, 1));
  ASSERT_TRUE(cluster_.AwaitPeers(3, 1));
  ASSERT_TRUE(cluster_.AwaitWhole(1));
  ASSERT_TRUE(cluster_.AwaitWhole(3));
  int there = 0;
  for (int i = 0; i < 30; ++i) {
    if (!Survives(Key(i))) continue;
    const auto got = cluster_.client(i % 2 == 0 ? 1 : 3).Get(Key(i), 2);
    ASSERT_TRUE(got.ok()) << Key(i) << ": " << got.status.error_message();
    ASSERT_EQ(got.reply.values_size(), 1);
    EXPECT_EQ(got.reply.values(0), Value(i));
    ++there;
  }
  EXPECT_GT(there, 15);
  EXPECT_TRUE(CreateBucket(cluster_.client_address(3), {.name = "b"}, seconds(6)).ok()) << "it decides again";
  ASSERT_TRUE(cluster_.client(3).Put("after", "v").ok());

  const std::string dir = cluster_.DataDir(0);
  ASSERT_TRUE(cluster_.Start(0));
  ASSERT_TRUE(HengedCluster::AwaitTrue([&] { return cluster_.client(0).Status().state() == "given-up"; }));
  const auto refused = cluster_.client(0).Get(Key(0), 1);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.status.error_message(), HasSubstr("given up"));
  EXPECT_GT(cluster_.client(1).Status().foreign_peers_refused(), 0u);
  EXPECT_EQ(cluster_.client(0).Status().cluster(), old_);
  EXPECT_GT(cluster_.client(0).Status().keys_estimate(), 0u) << "its disk is as it was";
  EXPECT_TRUE(cluster_.process(0).AwaitStderr("GivenUp"));

  // With the old configuration and the same data directories, for ever.
  cluster_.process(1).Kill();
  ASSERT_TRUE(cluster_.Start(1));
  ASSERT_TRUE(cluster_.AwaitPeers(1, 1));
  EXPECT_EQ(cluster_.client(1).Status().cluster(), done->cluster);
}

}  // namespace
}  // namespace henge::chaos
