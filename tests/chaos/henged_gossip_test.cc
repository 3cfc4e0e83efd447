// Who is alive, on real processes: killed, stopped, and gone without a word.
#include <signal.h>

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Quick, so that a test needn't wait; slow enough for a busy machine.
const std::vector<std::string> kQuick = {"--gossip-probe-interval=300ms", "--gossip-probe-timeout=120ms",
                                         "--gossip-suspicion-min=1500ms", "--gossip-suspicion-max=3s"};

v1::PeerStatus PeerOf(const v1::NodeStatusReply& status, int peer) {
  for (const v1::PeerStatus& view : status.peers()) {
    if (view.member() == static_cast<uint32_t>(peer + 1)) return view;
  }
  return {};
}

// What `i` says of `peer`, once it says so; else what it said last.
v1::PeerStatus AwaitLiveness(HengedCluster& cluster, int i, int peer, const std::string& liveness) {
  v1::PeerStatus view;
  const bool said = HengedCluster::AwaitTrue([&] {
    view = PeerOf(cluster.client(i).Status(), peer);
    return view.liveness() == liveness;
  });
  EXPECT_TRUE(said) << "it says " << view.liveness() << ", not " << liveness;
  return view;
}

TEST(HengedGossip, AKilledNodeIsDeadForTheOthersUntilItIsBack) {
  HengedCluster cluster(3, kQuick);
  ASSERT_TRUE(cluster.StartAll());
  for (int i : {0, 1}) ASSERT_EQ(AwaitLiveness(cluster, i, 2, "alive").liveness(), "alive");
  cluster.process(2).Kill();
  uint64_t held_dead_at = 0;
  for (int i : {0, 1}) {
    const v1::PeerStatus view = AwaitLiveness(cluster, i, 2, "dead");
    EXPECT_EQ(view.liveness(), "dead");
    EXPECT_FALSE(view.connected());
    held_dead_at = std::max(held_dead_at, view.incarnation());
  }
  EXPECT_EQ(AwaitLiveness(cluster, 0, 1, "alive").liveness(), "alive");
  EXPECT_TRUE(cluster.process(0).AwaitStderr("MemberDead")) << cluster.process(0).Stderr();
  ASSERT_TRUE(cluster.Start(2));
  for (int i : {0, 1}) {
    const v1::PeerStatus view = AwaitLiveness(cluster, i, 2, "alive");
    EXPECT_EQ(view.liveness(), "alive");
    EXPECT_GT(view.incarnation(), held_dead_at);
  }
  const v1::NodeStatusReply status = cluster.client(0).Status();
  EXPECT_GT(status.gossip_probes(), 0u);
  EXPECT_GT(status.gossip_bytes_sent(), 0u);
  EXPECT_EQ(status.gossip_bad_messages(), 0u);
}

TEST(HengedGossip, AStoppedNodeIsSuspectedThenDeadAndBackOnceItGoesOn) {
  HengedCluster cluster(3, kQuick);
  ASSERT_TRUE(cluster.StartAll());
  ASSERT_TRUE(cluster.client(0).Put("k", "v").ok());
  cluster.process(2).Signal(SIGSTOP);
  EXPECT_EQ(AwaitLiveness(cluster, 0, 2, "suspect").liveness(), "suspect");
  for (int i : {0, 1}) EXPECT_EQ(AwaitLiveness(cluster, i, 2, "dead").liveness(), "dead");
  // Its connections stand, and what waits for its answer ends when its time is over.
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(cluster.client(0).Get("k", 3).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(9));
  EXPECT_TRUE(cluster.client(0).Put("k2", "v").ok());

  cluster.process(2).Signal(SIGCONT);
  for (int i : {0, 1}) EXPECT_EQ(AwaitLiveness(cluster, i, 2, "alive").liveness(), "alive");
  for (int i : {0, 1}) EXPECT_EQ(AwaitLiveness(cluster, 2, i, "alive").liveness(), "alive");
  EXPECT_THAT(cluster.process(2).Stderr(), Not(HasSubstr("MemberDead"))) << "its own time had stood still";
  EXPECT_GE(cluster.client(2).Status().gossip_stalls(), 1u);
}

// Nobody says that the peer is gone: no end of the connection, no reset. The keepalive finds out; dialling goes on for
// ever, into a link that takes connections and says nothing, until somebody answers.
TEST(HengedGossip, APeerThatVanishedWithoutAWordIsDialledAgain) {
  HengedCluster cluster(3, kQuick, {2});
  ASSERT_TRUE(cluster.StartAll());
  cluster.proxy(2).Cut();
  cluster.process(2).Kill();
  EXPECT_EQ(AwaitLiveness(cluster, 0, 2, "dead").liveness(), "dead");
  EXPECT_TRUE(PeerOf(cluster.client(0).Status(), 2).connected()) << "nobody has told it";
  ASSERT_TRUE(cluster.AwaitPeers(0, 1)) << "a dead connection is noticed";
  ASSERT_TRUE(cluster.Start(2));
  cluster.proxy(2).Heal();
  const auto healed = std::chrono::steady_clock::now();
  ASSERT_TRUE(cluster.AwaitPeers(0, 2));
  EXPECT_EQ(AwaitLiveness(cluster, 0, 2, "alive").liveness(), "alive");
  EXPECT_LT(std::chrono::steady_clock::now() - healed, std::chrono::seconds(10));
}

}  // namespace
}  // namespace henge::chaos
