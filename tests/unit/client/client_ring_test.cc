// How the client follows the cluster state.
#include <gmock/gmock.h>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using testing::HasSubstr;

// The state after `state`, in which `owner` alone owns everything.
ClusterState NextState(const ClusterState& state, uint32_t owner) {
  ClusterState next = state;
  next.version = StateVersion(state.version.value() + 1);
  for (auto& owners : next.owners) owners = {MemberId(owner)};
  for (auto& epoch : next.epochs) epoch = LayoutEpoch(next.version.value());
  next.replicas = 1;
  return next;
}

TEST(ClientRingTest, ANewerVersionInAFrameMakesItFetchTheRingAndRouteByIt) {
  FakeCluster cluster(3, 1);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  std::string key = cluster.KeyOwnedBy(0);
  ClusterState next = NextState(cluster.state(), 3);
  for (size_t i = 0; i < 3; ++i) {
    cluster.node(i).SetState(next);
    cluster.node(i).AnnounceVersion(next.version.value());
  }
  // A stale ring costs a hop, never an error.
  while (client->state_version() < next.version.value()) ASSERT_TRUE(client->Get(key).ok());
  size_t before = cluster.node(2).requests().size();
  EXPECT_TRUE(client->Get(key).ok());
  EXPECT_EQ(cluster.node(2).requests().size(), before + 1);
  EXPECT_EQ(client->Owners(key)[0].address, cluster.node(2).address());
}

TEST(ClientRingTest, OneFetchServesAnyNumberOfFramesThatNameTheVersion) {
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(cluster.endpoints());
  ClusterState next = NextState(cluster.state(), 1);
  cluster.node(0).SetState(next);
  cluster.node(0).AnnounceVersion(next.version.value());
  size_t before = cluster.node(0).state_fetches();
  while (client->state_version() < next.version.value()) ASSERT_TRUE(client->Get("k").ok());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client->Get("k").ok());
  EXPECT_EQ(cluster.node(0).state_fetches(), before + 1);
}

TEST(ClientRingTest, P34ABucketThatANodeHasNotHeardOfIsAskedForElsewhere) {
  FakeCluster cluster(3, 3);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  const std::string key = cluster.KeyOwnedBy(0);
  ClusterState next = cluster.state();
  next.version = StateVersion(next.version.value() + 1);
  // The first owner is behind; the others have the new state, in which there is the bucket.
  cluster.node(0).OnRequest([&](const v1::Request& request) {
    v1::Reply reply =
        request.bucket().empty() ? Ok() : Failure(3, "no bucket is named \"new\"", v1::OUTCOME_NOT_APPLIED);
    reply.mutable_facts()->set_state_version(cluster.state().version.value());
    return reply;
  });
  CallOptions in_new;
  in_new.bucket = "new";
  const WriteResult refused = client->Put(key, "v", {}, in_new);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << "nobody is known to know better";
  for (size_t i = 1; i < 3; ++i) {
    cluster.node(i).SetState(next);
    cluster.node(i).AnnounceVersion(next.version.value());
  }
  while (client->state_version() < next.version.value()) ASSERT_TRUE(client->Get(cluster.KeyOwnedBy(1)).ok());
  const WriteResult taken = client->Put(key, "v", {}, in_new);
  EXPECT_TRUE(taken.status.ok()) << taken.status;
  EXPECT_EQ(taken.facts.attempts, 2);
}

TEST(ClientRingTest, ANodeThatIsBehindIsAskedAgainUntilTheNewStateIsThere) {
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(cluster.endpoints());
  ClusterState next = NextState(cluster.state(), 1);
  cluster.node(0).AnnounceVersion(next.version.value());
  size_t before = cluster.node(0).state_fetches();
  while (cluster.node(0).state_fetches() < before + 2) ASSERT_TRUE(client->Get("k").ok());
  EXPECT_EQ(client->state_version(), cluster.state().version.value());
  cluster.node(0).SetState(next);
  while (client->state_version() < next.version.value()) ASSERT_TRUE(client->Get("k").ok());
}

TEST(ClientRingTest, AStateOfAnotherClusterIsNotTaken) {
  FakeCluster ours(1, 1), others(2, 1);
  auto client = Client::Connect(ours.endpoints());
  ClusterState foreign = NextState(others.state(), 1);
  ours.node(0).SetState(foreign);
  ours.node(0).AnnounceVersion(foreign.version.value());
  size_t before = ours.node(0).state_fetches();
  while (ours.node(0).state_fetches() < before + 2) ASSERT_TRUE(client->Get("k").ok());
  EXPECT_EQ(client->state_version(), ours.state().version.value());
}

TEST(ClientRingTest, EndpointsOfTwoClustersDontMix) {
  FakeCluster one(1, 1), two(2, 1);
  auto client = Client::Connect(absl::StrCat(one.endpoints(), ",", two.endpoints()));
  ASSERT_TRUE(client.ok()) << client.status();
  size_t nodes = client->Nodes().size();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->Get(absl::StrCat("k", i)).ok());
  EXPECT_EQ(nodes == 1 ? two.request_count() : one.request_count(), 0u);
}

TEST(ClientRingTest, AnUnreadableStateIsAClearError) {
  FakeNode node;
  auto client = Client::Connect(node.address());
  EXPECT_FALSE(client.ok());
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("can't read"));
}

}  // namespace
}  // namespace henge
