// Failure detectors at work: deaths, returns, and processes that stand still.
#include <gtest/gtest.h>

#include "tests/unit/node_gossip/gossip_rig.h"

namespace henge::gossip_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Gossip, WhoAnswersIsAliveAndNoNewsAreToldTwice) {
  GossipRig rig(3);
  rig.loop.Pass(seconds(30));
  for (int i = 1; i <= 3; ++i) {
    for (int of = 1; of <= 3; ++of) EXPECT_EQ(rig.View(i, of), Liveness::kAlive);
    EXPECT_EQ(rig.tracer(i).events["MemberAlive"], 2);
    EXPECT_EQ(rig.tracer(i).events["MemberSuspected"], 0);
    EXPECT_GE(rig.gossip(i).figures().probes, 25u);
    EXPECT_EQ(rig.gossip(i).figures().probes_failed, 0u);
    EXPECT_GT(rig.gossip(i).figures().bytes_sent, 0u);
    EXPECT_LE(rig.told(i).size(), 2u);
  }
}

TEST(Gossip, ADeadMemberIsToldDeadAndAfterItsRestartAliveAgain) {
  GossipRig rig(3);
  rig.loop.Pass(seconds(10));
  const uint64_t before = rig.Incarnation(1, 3);
  rig.Kill(3);
  rig.loop.Pass(seconds(12));
  for (int i : {1, 2}) {
    EXPECT_EQ(rig.View(i, 3), Liveness::kDead);
    EXPECT_EQ(rig.told(i).back()->Of(MemberId(3)), Liveness::kDead);
    EXPECT_EQ(rig.tracer(i).events["MemberSuspected"], 1);
    EXPECT_EQ(rig.tracer(i).events["MemberDead"], 1);
  }
  rig.Start(3);
  rig.loop.Pass(seconds(3));
  for (int i : {1, 2}) {
    EXPECT_EQ(rig.View(i, 3), Liveness::kAlive);
    EXPECT_EQ(rig.told(i).back()->Of(MemberId(3)), Liveness::kAlive);
    EXPECT_GT(rig.Incarnation(i, 3), before);
  }
}

// A process starts at the lowest incarnation and learns what its peers hold of it.
TEST(Gossip, IncarnationsRiseOverRestartsWithoutADisk) {
  GossipRig rig(3);
  uint64_t last = 0;
  for (int restart = 0; restart < 4; ++restart) {
    rig.Kill(3);
    rig.loop.Pass(seconds(12));
    rig.Start(3);
    rig.loop.Pass(seconds(3));
    EXPECT_GT(rig.Incarnation(1, 3), last);
    EXPECT_EQ(rig.Incarnation(1, 3), rig.Incarnation(2, 3));
    EXPECT_EQ(rig.Incarnation(3, 3), rig.Incarnation(2, 3));
    last = rig.Incarnation(1, 3);
  }
}

// H39: nobody is forgotten, so both sides find together again however long it took.
TEST(Gossip, H39_ACutOfADayHealsWithinSeconds) {
  GossipRig rig(4);
  rig.loop.Pass(seconds(5));
  for (int a : {1, 2}) {
    for (int b : {3, 4}) rig.Cut(a, b);
  }
  rig.loop.Pass(hours(24));
  EXPECT_EQ(rig.View(1, 3), Liveness::kDead);
  EXPECT_EQ(rig.View(4, 2), Liveness::kDead);
  EXPECT_EQ(rig.View(1, 2), Liveness::kAlive);
  rig.Heal();
  rig.loop.Pass(seconds(10));
  for (int i = 1; i <= 4; ++i) {
    for (int of = 1; of <= 4; ++of) EXPECT_EQ(rig.View(i, of), Liveness::kAlive) << i << " of " << of;
  }
}

// H39: A and B don't reach each other, both reach C.
TEST(Gossip, H39_OneCutLinkKillsNobody) {
  GossipRig rig(3);
  rig.Cut(1, 2);
  rig.loop.Pass(seconds(300));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(rig.tracer(i).events["MemberDead"], 0);
}

// SIGSTOP of this process: what others said meanwhile is read before anybody is declared dead.
TEST(Gossip, TimeStandsStillWithTheProcess) {
  GossipRig rig(3);
  rig.loop.Pass(seconds(5));
  rig.Cut(1, 3);
  rig.Cut(2, 3);
  rig.loop.Pass(milliseconds(3200));
  ASSERT_EQ(rig.View(1, 3), Liveness::kSuspect);
  rig.Heal();
  EXPECT_EQ(rig.gossip(1).figures().stalls, 0u);
  rig.loop.PauseFor(seconds(60));
  rig.loop.Pass(seconds(3));
  EXPECT_EQ(rig.gossip(1).figures().stalls, 1u);
  for (int i : {1, 2}) {
    EXPECT_EQ(rig.tracer(i).events["MemberDead"], 0);
    EXPECT_EQ(rig.View(i, 3), Liveness::kAlive);
  }
}

TEST(Gossip, AMemberOfALaterStateIsWatchedAndARemovedOneIsNot) {
  GossipRig rig(2);
  rig.Kill(2);
  rig.gossip(1).UpdateRing(RingOf(3));
  EXPECT_EQ(rig.told(1).back()->entries().size(), 3u);
  rig.loop.Pass(seconds(20));
  EXPECT_EQ(rig.View(1, 3), Liveness::kDead);
  rig.gossip(1).UpdateRing(RingOf(1));
  EXPECT_EQ(rig.told(1).back()->entries().size(), 1u);
  EXPECT_FALSE(rig.loop.has_timers());
}

TEST(Gossip, AClusterOfOneWakesForNothing) {
  GossipRig rig(1);
  EXPECT_FALSE(rig.loop.has_timers());
}

TEST(Gossip, AfterStopNobodyIsAskedAndWhoAsksIsTold) {
  GossipRig rig(3);
  rig.loop.Pass(seconds(5));
  rig.Cut(1, 3);
  // A ping for another waits for the third member, which is cut off.
  absl::StatusOr<std::string> relayed = absl::UnknownError("no answer");
  const SwimCall ping_req{.kind = SwimKind::kPingReq, .target = MemberId(3), .updates = {}};
  rig.gossip(1).Serve(MemberId(2), rig.Sealed(ping_req.Encode()), rig.clock.now + seconds(1),
                      [&relayed](absl::StatusOr<std::string> reply) { relayed = std::move(reply); });
  EXPECT_TRUE(absl::IsUnknown(relayed.status()));
  const uint64_t sent = rig.gossip(1).figures().calls_sent;
  rig.gossip(1).Stop();
  EXPECT_TRUE(absl::IsUnavailable(relayed.status()));
  EXPECT_TRUE(absl::IsUnavailable(rig.Ask(1, 2, rig.Sealed(SwimCall().Encode())).status()));
  rig.loop.Pass(seconds(20));
  EXPECT_EQ(rig.gossip(1).figures().calls_sent, sent);
  EXPECT_EQ(rig.View(2, 1), Liveness::kDead) << "a node that goes need not be waited for";
}

// A call may be answered after the node has gone.
TEST(Gossip, AnAnswerAfterTheEndTouchesNothing) {
  GossipRig rig(3);
  rig.Cut(1, 2);
  rig.Cut(1, 3);
  rig.loop.Pass(milliseconds(1600));
  rig.nodes.at(1)->gossip.reset();
  rig.Kill(1);
  rig.loop.Pass(seconds(20));
  EXPECT_EQ(rig.View(2, 1), Liveness::kDead);
}

}  // namespace
}  // namespace henge::gossip_test
