// Hazards of quorums and reads, one scenario each: H14, H15, H16, H24, H25, H26, H39. Every scenario shows that its
// situation was reached, by the coverage mark of tests/sim/hazard_marks.h where there is one, and what must hold in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/scene.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Values = std::vector<std::string>;

Values Sorted(Values values) {
  std::sort(values.begin(), values.end());
  return values;
}

TEST(HazardTest, H14AnAckThatLeansOnAHintSaysSoAndStrictRequestsNeverDo) {
  Scene s;
  const std::vector<int> owners = s.Owners("k");
  const int a = owners[0], b = owners[1], c = owners[2];
  s.CutBoth(a, b);
  s.CutBoth(a, c);
  const ClientReply sloppy = s.Put(a, "k", "sloppy", {.quorum = 2});
  ASSERT_TRUE(sloppy.status.ok()) << sloppy.status;
  EXPECT_GE(s.Count("AckLeansOnHint"), 1);
  EXPECT_EQ(sloppy.facts.primaries, 1u) << "one owner, and the reply says so";
  EXPECT_GE(sloppy.facts.fallbacks, 1u);
  EXPECT_EQ(sloppy.facts.durable, sloppy.facts.primaries + sloppy.facts.fallbacks);

  const ClientReply missed = s.Get(b, "k", {.quorum = 2, .strict = true});
  EXPECT_TRUE(absl::IsNotFound(missed.status)) << "R + W > N, and the read misses the write: " << missed.status;
  EXPECT_EQ(missed.facts.fallbacks, 0u);

  const ClientReply refused = s.Put(a, "k", "strict", {.quorum = 2, .strict = true, .patience = seconds(1)});
  EXPECT_FALSE(refused.status.ok()) << "two owners are out of reach";
  EXPECT_EQ(refused.outcome, Outcome::kUnknown);
  const ClientReply strict = s.Put(b, "k", "seen", {.quorum = 2, .strict = true});
  ASSERT_TRUE(strict.status.ok()) << strict.status;
  EXPECT_EQ(strict.facts.primaries, 2u);
  const Values seen = s.Get(c, "k", {.quorum = 2, .strict = true}).values;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "seen"), 1) << "whoever asks strictly sees what was acked strictly";

  s.Heal();
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0 && s.OwnersEqual("k"); }, seconds(90)));
  EXPECT_EQ(Sorted(s.Get(c, "k", {.quorum = 3}).values), (Values{"seen", "sloppy", "strict"})) << "nothing is lost";
  EXPECT_EQ(s.Troubles(), Values());
}

TEST(HazardTest, H15AnOwnerThatAcksBesideItsStandInCountsOncePerNode) {
  Scene s;
  const std::vector<int> owners = s.Owners("k"), others = s.Others("k");
  const SimLinkOptions slow{.delay_min = milliseconds(400)};
  for (int late : {owners[1], owners[2]}) s.network().SetLink(owners[0], static_cast<HostId>(late), slow);
  const ClientReply reply = s.Put(owners[0], "k", "v", {.quorum = 3});
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.facts.durable, 3u);
  uint32_t holders = 0, keepers = 0;
  for (int owner : owners) holders += s.node(owner).ReadDurableImage(s.At("k"))->empty() ? 0 : 1;
  for (int other : others) keepers += s.node(other).ReadDurableHints(s.At("k"))->empty() ? 0 : 1;
  EXPECT_EQ(reply.facts.primaries, holders) << "as the disks have it at this instant";
  EXPECT_EQ(reply.facts.fallbacks, keepers);
  s.Run(seconds(2));
  EXPECT_GE(s.Count("AckBesideStandIn"), 1) << "the owners acked, too";
  EXPECT_EQ(s.Troubles(), Values());
}

TEST(HazardTest, H15TwoNodesAreNeverThreeReplicas) {
  Scene s({.nodes = 2});
  ASSERT_EQ(s.Owners("k").size(), 2u);
  EXPECT_TRUE(absl::IsInvalidArgument(s.Put(1, "k", "v", {.quorum = 3}).status));
  EXPECT_TRUE(absl::IsInvalidArgument(s.Get(1, "k", {.quorum = 3}).status));
  EXPECT_EQ(s.Put(1, "k", "v", {.quorum = 2}).facts.durable, 2u);
  s.node(2).PowerLoss();
  EXPECT_FALSE(s.Put(1, "k", "w", {.quorum = 2, .patience = seconds(1)}).status.ok()) << "one node is one copy";
  EXPECT_FALSE(s.Get(1, "k", {.quorum = 2, .patience = seconds(1)}).status.ok());
  EXPECT_TRUE(s.Get(1, "k", {.quorum = 1}).status.ok());
}

// Everybody loses power at once, in the middle of writes: what was acked is there.
TEST(HazardTest, H16ABlackoutLosesNoAckedWrite) {
  uint64_t acked = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Scene s({.seed = seed, .nodes = 3, .link = {.reorder = 0.2}});
    std::vector<std::string> keys;
    for (int i = 0; i < 12; ++i) {
      const std::string key = "k" + std::to_string(i);
      if (s.Put(1 + i % 3, key, "v", {.quorum = 2}).status.ok()) keys.push_back(key);
    }
    for (int i = 0; i < 6; ++i) {
      s.Send(1 + i % 3, s.RequestOf(ClientOp::kPut, "k" + std::to_string(i), "under way", {}));
    }
    s.Run(milliseconds(1) * static_cast<int64_t>(seed) / 2);
    for (int n : {1, 2, 3}) s.node(n).PowerLoss();
    s.Run(seconds(1));
    for (int n : {1, 2, 3}) s.Start(n);
    s.Run(seconds(5));
    for (const std::string& key : keys) {
      const ClientReply reply = s.Get(2, key, {.quorum = 2});
      EXPECT_NE(std::find(reply.values.begin(), reply.values.end(), "v"), reply.values.end())
          << "seed " << seed << " " << key << ": " << reply.status;
    }
    acked += keys.size();
    EXPECT_EQ(s.Troubles(), Values());
  }
  EXPECT_EQ(acked, 72u);
}

// One replica still has what the value that expired had replaced.
TEST(HazardTest, H24AnExpiredVersionHidesWhatItReplaced) {
  Scene s({.nodes = 3});
  const ClientReply lasting = s.Put(1, "k", "lasting", {.quorum = 3});
  ASSERT_TRUE(lasting.status.ok());
  s.Isolate(3);
  const ClientReply expiring =
      s.Put(1, "k", "expiring", {.context = lasting.context, .quorum = 2, .expires_at_ms = s.WallMs() + 300});
  ASSERT_TRUE(expiring.status.ok()) << expiring.status;
  s.Run(milliseconds(600));
  s.Heal();
  const ClientReply read = s.Get(3, "k", {.quorum = 3});
  EXPECT_EQ(s.Count("ExpiredAfterMerge"), 1);
  EXPECT_TRUE(absl::IsNotFound(read.status)) << read.status;
  EXPECT_EQ(read.values, Values()) << "not what only one replica still shows";
  for (int n : {1, 2, 3}) EXPECT_TRUE(absl::IsNotFound(s.Get(n, "k", {.quorum = 1}).status)) << "n" << n;
  EXPECT_EQ(s.Troubles(), Values());
}

TEST(HazardTest, H25AReadRepairMergesIntoWhatHasChangedMeanwhile) {
  Scene s({.nodes = 3});
  s.Isolate(3);
  ASSERT_TRUE(s.Put(1, "k", "old", {.quorum = 2}).status.ok());
  s.Heal();
  s.network().SetLink(1, 3, {.delay_min = milliseconds(300)});
  const ClientReply read = s.Get(1, "k", {.quorum = 3});
  ASSERT_EQ(read.values, Values{"old"});
  EXPECT_EQ(read.facts.stale, 1u);
  // The repair is on its way for another 300 ms.
  ASSERT_TRUE(s.Put(3, "k", "new", {.quorum = 1}).status.ok());
  s.Run(milliseconds(600));
  EXPECT_GE(s.Count("RepairMetNewerRecord", 3), 1);
  EXPECT_EQ(Sorted(s.Get(3, "k", {.quorum = 1}).values), (Values{"new", "old"}));
  EXPECT_EQ(s.Troubles(), Values());
}

// A write reached one owner only. Whoever was shown it by a strict read sees it in every later one.
TEST(HazardTest, H26AStrictReadIsAnsweredWhenTheNextOneCannotMissIt) {
  Scene s({.nodes = 3});
  s.Isolate(1);
  EXPECT_FALSE(s.Put(1, "k", "partial", {.quorum = 2, .strict = true, .patience = milliseconds(300)}).status.ok());
  EXPECT_FALSE(s.Get(1, "k", {.quorum = 1, .strict = true, .patience = milliseconds(300)}).status.ok())
      << "three owners can't hold it now, so R = 1 is not answered";
  s.Heal();
  const ClientReply first = s.Get(1, "k", {.quorum = 2, .strict = true});
  ASSERT_EQ(first.values, Values{"partial"}) << first.status;
  EXPECT_GE(s.Count("StrictReadSpreads", 1), 1);
  s.node(1).PowerLoss();
  for (int n : {2, 3}) {
    EXPECT_EQ(s.Get(n, "k", {.quorum = 2, .strict = true}).values, Values{"partial"}) << "n" << n;
  }
  EXPECT_EQ(s.Troubles(), Values());
}

// A and B don't reach each other, all others reach both.
TEST(HazardTest, H39APartialCutNeitherFlapsNorPlaysPingPongWithHints) {
  Scene s;
  const std::vector<int> owners = s.Owners("k");
  const int a = owners[0], b = owners[1];
  s.CutBoth(a, b);
  for (int i = 0; i < 40; ++i) {
    const ClientReply reply = s.Put(a, "k", "v" + std::to_string(i), {.context = s.Get(a, "k").context, .quorum = 2});
    EXPECT_TRUE(reply.status.ok()) << reply.status;
    s.Run(milliseconds(500));
  }
  s.Run(seconds(60));
  EXPECT_GE(s.Count("ReachedByOthers"), 1);
  EXPECT_EQ(s.Count("MemberDead"), 0);
  EXPECT_EQ(s.Hints(), 0u) << "the fallback reaches the owner, so nothing waits for the heal";
  uint64_t stored = 0, delivered = 0;
  for (int n = 1; n <= 5; ++n) {
    const HintFigures figures = s.node(n).node().shard(0).hint_figures();
    stored += figures.stored, delivered += figures.delivered;
    if (n == a || n == b) {
      EXPECT_EQ(figures.stored, 0u) << "an owner keeps records";
    }
  }
  EXPECT_LE(delivered, stored) << "each hint goes once";
  EXPECT_LE(stored, 80u);
  EXPECT_EQ(s.Get(b, "k", {.quorum = 1}).values, Values{"v39"}) << "B has all that A took";
  EXPECT_EQ(s.Troubles(), Values());
}

}  // namespace
}  // namespace henge::sim
