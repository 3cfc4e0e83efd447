#include "henge/admin.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr milliseconds kTimeout(5000);

TEST(AdminTest, TheClusterStateComesFromTheFirstEndpointThatAnswers) {
  std::string gone;
  {
    FakeNode node;
    gone = node.address();
  }
  FakeCluster cluster(2);
  auto state = FetchClusterState(absl::StrCat(gone, ",", cluster.endpoints()), kTimeout);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->state, cluster.state().Encode());
  EXPECT_EQ(state->version, cluster.state().version.value());
}

TEST(AdminTest, AChangeThatANodeTookAndDidNotAnswerIsNotMadeAtAnother) {
  FakeCluster cluster(2);
  absl::Notification taken, over;
  cluster.node(0).OnChangeBucket([&](const v1::ChangeBucketRequest&) {
    taken.Notify();
    over.WaitForNotification();
    return v1::ChangeBucketReply();
  });
  std::atomic<int> made_elsewhere = 0;
  cluster.node(1).OnChangeBucket([&](const v1::ChangeBucketRequest&) {
    ++made_elsewhere;
    return v1::ChangeBucketReply();
  });
  std::thread stop([&] {
    taken.WaitForNotification();
    cluster.node(0).Stop();
  });
  const auto made = CreateBucket(cluster.endpoints(), {.name = "cache"}, kTimeout);
  over.Notify();
  stop.join();
  EXPECT_EQ(made.status().code(), absl::StatusCode::kUnavailable) << made.status();
  EXPECT_EQ(made_elsewhere, 0) << "it may have been made";
  cluster.node(0).OnChangeBucket(nullptr);
  EXPECT_TRUE(CreateBucket(cluster.endpoints(), {.name = "cache"}, kTimeout).ok()) << "nobody listens there now";
  EXPECT_EQ(made_elsewhere, 1);
}

TEST(AdminTest, EveryFieldOfANodesStatusComesThrough) {
  FakeNode node;
  node.SetStatus([] {
    v1::NodeStatusReply reply;
    reply.set_member(2);
    reply.set_name("n2");
    reply.set_state("serving");
    reply.set_disk("plenty");
    reply.set_owned_partitions(16384);
    reply.set_resident_bytes(1 << 20);
    reply.set_cpu_seconds(1.5);
    auto* peer = reply.add_peers();
    peer->set_member(1);
    peer->set_connected(true);
    peer->set_latency_p95_us(800);
    peer->set_liveness("suspect");
    peer->set_incarnation(4);
    reply.set_gossip_probes(17);
    reply.set_gossip_forged(2);
    return reply;
  }());
  auto status = FetchNodeStatus(node.address(), kTimeout);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->member, 2u);
  EXPECT_EQ(status->name, "n2");
  EXPECT_EQ(status->state, "serving");
  EXPECT_EQ(status->disk, "plenty");
  EXPECT_EQ(status->owned_partitions, 16384u);
  EXPECT_EQ(status->resident_bytes, 1u << 20);
  EXPECT_EQ(status->cpu_seconds, 1.5);
  ASSERT_EQ(status->peers.size(), 1u);
  EXPECT_TRUE(status->peers[0].connected);
  EXPECT_EQ(status->peers[0].latency_p95_us, 800u);
  EXPECT_EQ(status->peers[0].liveness, "suspect");
  EXPECT_EQ(status->peers[0].incarnation, 4u);
  EXPECT_EQ(status->gossip_probes, 17u);
  EXPECT_EQ(status->gossip_forged, 2u);
}

TEST(AdminTest, AnExplanationCarriesEachReplica) {
  FakeNode node;
  node.SetExplanation([] {
    v1::ExplainReply reply;
    reply.set_partition(99);
    reply.add_owners(1);
    reply.add_owners(2);
    auto* good = reply.add_replicas();
    good->set_member(1);
    good->set_found(true);
    good->add_siblings()->set_value_bytes(7);
    good->add_context()->set_counter(3);
    auto* bad = reply.add_replicas();
    bad->set_member(2);
    bad->set_code(14);
    bad->set_message("no answer");
    return reply;
  }());
  auto explanation = ExplainKey(node.address(), "default", "k", kTimeout);
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(explanation->partition, 99u);
  EXPECT_THAT(explanation->owners, ElementsAre(1, 2));
  ASSERT_EQ(explanation->replicas.size(), 2u);
  EXPECT_TRUE(explanation->replicas[0].status.ok());
  EXPECT_EQ(explanation->replicas[0].siblings.at(0).value_bytes, 7u);
  EXPECT_EQ(explanation->replicas[0].context.at(0).counter, 3u);
  EXPECT_EQ(explanation->replicas[1].status.code(), absl::StatusCode::kUnavailable);
}

TEST(AdminTest, AnUnreachableNodeIsNamedWithTheReason) {
  std::string gone;
  {
    FakeNode node;
    gone = node.address();
  }
  absl::Status status = FetchNodeStatus(gone, kTimeout).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(gone));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace henge
