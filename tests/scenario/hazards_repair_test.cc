// Hazards of hints, deletes and anti-entropy, one scenario each: H17-H23, H27-H31. Every scenario shows that its
// situation was reached, by the coverage mark of tests/sim/hazard_marks.h where there is one, and what must hold in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/bucket_changes.h"
#include "core/model/object_builder.h"
#include "node/antientropy/shared_partitions.h"
#include "tests/sim/scene.h"

namespace henge::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Values = std::vector<std::string>;

// So slow that days are short: the timers of an idle cluster, each a minute or more.
SceneOptions Days(int nodes, uint64_t seed = 1) {
  SceneOptions options{.seed = seed, .nodes = nodes};
  options.gossip.probe_interval = minutes(2);
  options.gossip.probe_timeout = seconds(30);
  options.gossip.gossip_interval = minutes(2);
  options.gossip.push_pull_interval = minutes(20);
  options.gossip.reconnect_interval_max = minutes(10);
  options.anti_entropy.interval = minutes(10);
  options.background_interval = seconds(10);
  return options;
}

// A write whose second copy is a hint for `down`; the fallback that keeps it.
int PutWithHint(Scene& s, const std::string& key, const std::string& value, int down, int through) {
  s.node(down).PowerLoss();
  const ClientReply reply = s.Put(through, key, value, {.quorum = 3});
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.facts.fallbacks, 1u);
  for (int other : s.Others(key)) {
    if (s.node(other).hint_figures().hints > 0) return other;
  }
  ADD_FAILURE() << "nobody keeps a hint";
  return s.Others(key)[0];
}

bool Gone(Scene& s, const std::string& key, std::initializer_list<int> nodes, uint32_t r) {
  return std::all_of(nodes.begin(), nodes.end(), [&](int n) {
    const ClientReply reply = s.Get(n, key, {.quorum = r});
    return absl::IsNotFound(reply.status) && reply.values.empty();
  });
}

uint64_t Repaired(Scene& s, int nodes) {
  uint64_t sum = 0;
  for (int n = 1; n <= nodes; ++n)
    sum += s.node(n).EntropyFigures().repaired_here + s.node(n).EntropyFigures().repaired_there;
  return sum;
}

// The one owner that acked is gone for good, the fallback loses power right after its ack.
TEST(HazardTest, H17AFallbackThatLosesPowerRightAfterItsAckStillHasTheHint) {
  Scene s;
  const std::vector<int> o = s.Owners("k");
  s.Isolate(o[1]);
  s.Isolate(o[2]);
  const ClientReply reply = s.Put(o[0], "k", "v", {.quorum = 2});
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  ASSERT_EQ(reply.facts.primaries, 1u);
  s.node(o[0]).PowerLoss();
  for (int other : s.Others("k")) s.node(other).PowerLoss();
  EXPECT_GE(s.Count("PowerLostWithHints"), 1);
  s.Heal();
  for (int other : s.Others("k")) s.Start(other);
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(3)));
  s.Run(seconds(20));
  EXPECT_EQ(s.Get(o[1], "k", {.quorum = 1}).values, Values{"v"}) << "by the hint alone";
  EXPECT_EQ(s.Troubles(), Values());
}

// The target's disk is replaced while a hint for it is pending.
TEST(HazardTest, H18AHintReachesTheStoreThatReplacedItsTargets) {
  Scene s;
  const std::vector<int> o = s.Owners("k");
  const int fallback = PutWithHint(s, "k", "v", o[1], o[0]);
  s.node(o[1]).Wipe();
  s.CutBoth(fallback, o[1]);
  s.Start(o[1]);
  ASSERT_TRUE(s.Until([&] { return s.Count("HintTargetReplaced", fallback) > 0; }, minutes(2)));
  EXPECT_EQ(s.node(fallback).hint_figures().hints, 1u) << "replaced is not gone";
  s.Heal();
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(3)));
  EXPECT_TRUE(s.Until([&] { return s.OwnersEqual("k"); }, seconds(60)));
  EXPECT_EQ(s.Get(o[1], "k", {.quorum = 1}).values, Values{"v"});
  EXPECT_EQ(s.Troubles(), Values());
}

// The bucket is dropped while a hint of it is pending: the hint goes, is counted, and disturbs nobody.
TEST(HazardTest, H18AHintOfADroppedBucketIsAccountedFor) {
  Scene s;
  const auto create = [](const ClusterState& state) { return CreateBucket(state, "b", ConflictPolicy::kSiblings, {}); };
  const auto drop = [](const ClusterState& state) { return DropBucket(state, "b"); };
  ASSERT_TRUE(s.Change(1, create).ok());
  s.Run(seconds(30));
  const std::vector<int> o = s.Owners("k");
  s.node(o[1]).PowerLoss();
  const ClientReply reply = s.Put(o[0], "k", "v", {.quorum = 3, .bucket = "b"});
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  ASSERT_EQ(s.Hints(), 1u);
  ASSERT_TRUE(s.Change(o[0], drop).ok());
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(3)));
  EXPECT_EQ(s.Count("HintDropped"), 1);
  EXPECT_EQ(s.Troubles(), Values());
}

// A hint holder comes back with a value that everybody has deleted meanwhile.
TEST(HazardTest, H19AHintOfADeletedValueBringsNothingBack) {
  Scene s;
  const std::vector<int> o = s.Owners("k");
  const int fallback = PutWithHint(s, "k", "v", o[1], o[0]);
  s.node(fallback).PowerLoss();
  s.Start(o[1]);
  s.Run(seconds(20));
  const ClientReply deleted = s.Delete(o[0], "k", {.context = s.Get(o[0], "k").context, .quorum = 3, .strict = true});
  ASSERT_TRUE(deleted.status.ok()) << deleted.status;
  ASSERT_EQ(deleted.facts.primaries, 3u);
  s.Run(seconds(30));
  s.Start(fallback);
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(3)));
  EXPECT_EQ(s.Count("DeletedValueByHint", o[1]), 1);
  s.Run(seconds(20));
  EXPECT_TRUE(s.OwnersEqual("k"));
  EXPECT_TRUE(Gone(s, "k", {1, 2, 3, 4, 5}, 3));
  EXPECT_TRUE(Gone(s, "k", {o[0], o[1], o[2]}, 1));
  EXPECT_EQ(s.Troubles(), Values());
}

TEST(HazardTest, H20AFallbackThatRestartsBeforeItsTargetDeliversAllTheSame) {
  Scene s;
  const std::vector<int> o = s.Owners("k");
  const int fallback = PutWithHint(s, "k", "v", o[1], o[0]);
  s.node(fallback).PowerLoss();
  s.Run(seconds(5));
  s.Start(fallback);
  EXPECT_EQ(s.Count("HintsFound", fallback), 1);
  s.Run(minutes(2));
  EXPECT_EQ(s.node(fallback).hint_figures().hints, 1u);
  // Nothing but the hint can bring it.
  s.node(o[0]).PowerLoss();
  s.node(o[2]).PowerLoss();
  s.Start(o[1]);
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(3)));
  s.Run(seconds(5));
  EXPECT_EQ(s.Count("FoundHintsGone", fallback), 1);
  EXPECT_EQ(s.Get(o[1], "k", {.quorum = 1}).values, Values{"v"});
  EXPECT_EQ(s.Troubles(), Values());
}

// Longer than the windows after which other stores forget a hint.
TEST(HazardTest, H21AHintOutlivesAnOutageOfTenHours) {
  Scene s(Days(5));
  const std::vector<int> o = s.Owners("k");
  const int fallback = PutWithHint(s, "k", "v", o[1], o[0]);
  s.Run(hours(10));
  EXPECT_EQ(s.node(fallback).hint_figures().hints, 1u);
  s.node(o[0]).PowerLoss();
  s.node(o[2]).PowerLoss();
  s.Start(o[1]);
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, minutes(30)));
  s.Run(seconds(5));
  EXPECT_EQ(s.Count("OldHintDelivered", fallback), 1);
  EXPECT_EQ(s.Get(o[1], "k", {.quorum = 1}).values, Values{"v"});
  EXPECT_EQ(s.Troubles(), Values());
}

// One replica is cut off for seven days, and the value is deleted elsewhere meanwhile.
TEST(HazardTest, H22ADeleteHoldsAfterACutOfSevenDays) {
  Scene s(Days(3));
  const ClientReply put = s.Put(1, "k", "v", {.quorum = 3});
  ASSERT_TRUE(put.status.ok()) << put.status;
  s.Isolate(3);
  ASSERT_TRUE(s.Delete(1, "k", {.context = put.context, .quorum = 2}).status.ok());
  s.Run(hours(7 * 24));
  EXPECT_EQ(s.Get(3, "k", {.quorum = 1}).values, Values{"v"}) << "nobody has told it";
  s.Heal();
  EXPECT_TRUE(s.Until([&] { return s.OwnersEqual("k"); }, hours(3)));
  EXPECT_GE(s.Count("DeleteMetByExchange"), 1);
  s.Run(hours(1));
  EXPECT_TRUE(Gone(s, "k", {1, 2, 3}, 1));
  EXPECT_TRUE(Gone(s, "k", {1, 2, 3}, 3));
  EXPECT_EQ(s.Troubles(), Values());
}

// Clocks are an hour apart, a replica missed the write, and gets it after its time.
TEST(HazardTest, H23ExpiredValuesTravelAsTheyAreAndStayExpired) {
  Scene s({.nodes = 3});
  ASSERT_TRUE(s.Change(1, [](const ClusterState& state) {
                 return CreateBucket(state, "b", ConflictPolicy::kSiblings, {.ttl_ms = 2000});
               }).ok());
  s.Run(seconds(30));
  s.node(2).JumpClock(hours(1));
  s.Isolate(3);
  const int64_t expires_at_ms = s.WallMs() + 3000;
  ASSERT_TRUE(s.Put(1, "k", "v", {.quorum = 2, .expires_at_ms = expires_at_ms}).status.ok());
  ASSERT_TRUE(s.Put(1, "t", "v", {.quorum = 2, .bucket = "b"}).status.ok());
  EXPECT_EQ(s.Get(1, "k", {.quorum = 1}).values, Values{"v"});
  EXPECT_TRUE(Gone(s, "k", {2}, 1)) << "its clock says so";
  s.Run(seconds(5));
  s.Heal();
  EXPECT_TRUE(s.Until([&] { return s.OwnersEqual("k"); }, seconds(60)));
  EXPECT_GE(s.Count("ExpiredValueMerged", 3), 1);
  for (int n : {1, 2, 3}) {
    ASSERT_EQ(s.Record(n, "k").siblings().size(), 1u);
    EXPECT_EQ(s.Record(n, "k").siblings()[0].expires_at_ms, expires_at_ms) << "n" << n;
    EXPECT_TRUE(absl::IsNotFound(s.Get(n, "t", {.quorum = 1, .bucket = "b"}).status));
  }
  s.Run(seconds(20));
  const uint64_t repaired = Repaired(s, 3);
  s.Run(minutes(1));
  EXPECT_EQ(Repaired(s, 3), repaired) << "whatever their clocks say, they have the same";
  EXPECT_TRUE(Gone(s, "k", {1, 2, 3}, 1));
  EXPECT_TRUE(Gone(s, "k", {1, 2, 3}, 3));
  EXPECT_EQ(s.Troubles(), Values());
}

TEST(HazardTest, H27TreesOfAnotherFormatAreRefusedAndTheOthersGoOn) {
  Scene s({.nodes = 3});
  s.Isolate(3);
  ASSERT_TRUE(s.Put(1, "k", "v", {.quorum = 2}).status.ok());
  s.Heal();
  TreeRequest ours;
  ours.level = TreeLevel::kGroups;
  ours.parameters.cluster = s.ring().cluster();
  ours.parameters.epoch = SharedBy(s.ring(), MemberId(1), MemberId(2), 1, 0).digest;
  ours.stride = 1;
  std::vector<TreeRequest> strange(4, ours);
  strange[0].parameters.hash_version += 1;
  strange[1].parameters.leaves *= 2;
  strange[2].parameters.cluster = ClusterId(42);
  strange[3].parameters.epoch = LayoutEpoch(42);
  strange.push_back(ours);
  int refused = 0, answered = 0;
  for (TreeRequest& request : strange) {
    s.node(1).HandlePeer(MemberId(2), std::move(request), seconds(1), [&](const absl::StatusOr<PeerReply>& reply) {
      refused += absl::IsFailedPrecondition(reply.status()) ? 1 : 0;
      answered += reply.ok() ? 1 : 0;
    });
  }
  s.Run(milliseconds(100));
  EXPECT_EQ(refused, 4);
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(s.Count("TreesNotComparable", 1), 4);
  EXPECT_TRUE(s.Until([&] { return s.OwnersEqual("k"); }, seconds(60)));
  EXPECT_EQ(s.Troubles(), Values());
}

// A leaf that is wrong makes no endless repairs, and does not stay wrong.
TEST(HazardTest, H28ADriftedLeafIsComputedAnew) {
  SceneOptions options{.nodes = 3};
  options.scrub.pause = options.scrub.pause_between_passes = seconds(5);
  Scene s(options);
  const RecordKey key = s.At("k");
  Object object;
  ObjectBuilder::Add(object, {.dot = {{StoreId(1000), Lifetime(1), 1}, 1}, .value = "v", .hlc = 1});
  CommitItem item{.key = key, .record = {.object = object.Encode()}};
  item.leaf_delta = RecordHash(s.node(1).TreeKey(), key.bucket, key.key, item.record.object) ^ 0xBAD;
  s.node(1).Plant(std::move(item));
  ASSERT_TRUE(s.Until([&] { return s.Count("LeafDrifted", 1) > 0; }, minutes(2)));
  EXPECT_TRUE(s.Until([&] { return s.OwnersEqual("k"); }, seconds(60)));
  s.Run(seconds(20));
  EXPECT_EQ(*s.node(1).RecomputeTree(key.partition), s.node(1).ReadTree(key.partition));
  EXPECT_EQ(s.node(1).ReadTree(key.partition), s.node(2).ReadTree(key.partition));
  const uint64_t repaired = Repaired(s, 3);
  s.Run(seconds(30));
  EXPECT_EQ(Repaired(s, 3), repaired);
  EXPECT_EQ(s.Count("LeafDrifted"), 1);
  EXPECT_EQ(s.Troubles("LeafDrifted"), Values());
}

// The same version on all replicas, and on one of them a context that knows more.
TEST(HazardTest, H29ADifferenceInTheContextAloneIsFoundAndRepaired) {
  Scene s({.nodes = 3});
  ASSERT_TRUE(s.Change(1, [](const ClusterState& state) {
                 return CreateBucket(state, "l", ConflictPolicy::kLastWriterWins, {});
               }).ok());
  s.Run(seconds(30));
  const BucketId bucket = s.node(1).node().ring()->state().FindBucket("l")->id;
  const RecordKey key{PartitionOf("k"), bucket, "k"};
  s.Isolate(1);
  ASSERT_TRUE(s.Put(1, "k", "earlier", {.quorum = 1, .bucket = "l"}).status.ok());
  s.Run(milliseconds(100));
  s.Heal();
  ASSERT_TRUE(s.Put(2, "k", "later", {.quorum = 3, .bucket = "l", .patience = seconds(5)}).status.ok());
  const auto equal = [&] { return s.node(1).ReadRecord(key) == s.node(2).ReadRecord(key); };
  ASSERT_EQ(s.node(1).ReadRecord(key).siblings(), s.node(2).ReadRecord(key).siblings());
  ASSERT_FALSE(equal());
  EXPECT_TRUE(s.Until(equal, seconds(60)));
  EXPECT_GE(s.Count("ContextOnlyDifference"), 1);
  EXPECT_EQ(s.Troubles(), Values());
}

// What was missed comes back at once, while clients wait longer than they should.
TEST(HazardTest, H30AStormOfHintsYieldsToClients) {
  Scene s;
  const int down = s.Owners("k0")[1];
  s.node(down).PowerLoss();
  uint64_t bytes = 0;
  for (int i = 0; i < 120; ++i) {
    const std::string key = absl::StrCat("k", i);
    const std::vector<int> o = s.Owners(key);
    const int through = o[0] == down ? o[1] : o[0];
    const ClientReply reply = s.Put(through, key, std::string(100'000, 'x'), {.quorum = 2});
    ASSERT_TRUE(reply.status.ok()) << reply.status;
  }
  s.Run(seconds(2));
  ASSERT_GT(s.Hints(), 20u);
  for (int n = 1; n <= 5; ++n) bytes += n == down ? 0 : s.node(n).hint_figures().bytes;
  // From now on no request is answered within the goal.
  for (HostId a = 1; a <= 5; ++a) {
    for (HostId b = 1; b <= 5; ++b) s.network().SetLink(a, b, {.delay_min = milliseconds(40)});
  }
  s.Start(down);
  const SimTime began = s.scheduler().now();
  int answered = 0, asked = 0;
  while (s.Hints() > 0 && s.scheduler().now() - began < minutes(5)) {
    int at = 1 + asked++ % 5;
    while (s.node(at).hint_figures().hints == 0) at = 1 + at % 5;
    answered += s.Get(at, "k0", {.quorum = 2, .patience = seconds(2)}).status.ok() ? 1 : 0;
    s.Run(milliseconds(20));
  }
  EXPECT_EQ(s.Hints(), 0u) << "it never stops altogether (P39)";
  EXPECT_GE(s.Count("BackgroundYields"), 1);
  EXPECT_GE(answered * 100, asked * 95) << asked;
  const double took = std::chrono::duration<double>(s.scheduler().now() - began).count();
  EXPECT_GT(took, 0.1) << bytes << " bytes at once";
  EXPECT_EQ(s.Troubles(), Values());
}

// Two owners are away for long, hints serve reads: neither repair nor anti-entropy makes the fallback a replica.
TEST(HazardTest, H31FallbacksKeepHintsAndNothingElse) {
  Scene s;
  const std::vector<int> o = s.Owners("k"), others = s.Others("k");
  s.node(o[1]).PowerLoss();
  s.node(o[2]).PowerLoss();
  s.CutBoth(o[0], others[0]);
  s.CutBoth(o[0], others[1]);
  s.Run(seconds(10));
  const ClientReply put = s.Put(others[0], "k", "v", {.quorum = 2});
  ASSERT_TRUE(put.status.ok()) << put.status;
  ASSERT_EQ(put.facts.primaries, 0u);
  s.network().Mend(static_cast<HostId>(o[0]), static_cast<HostId>(others[0]));
  s.network().Mend(static_cast<HostId>(others[0]), static_cast<HostId>(o[0]));
  s.network().Mend(static_cast<HostId>(o[0]), static_cast<HostId>(others[1]));
  s.network().Mend(static_cast<HostId>(others[1]), static_cast<HostId>(o[0]));
  const ClientReply read = s.Get(o[0], "k", {.quorum = 2});
  EXPECT_EQ(read.values, Values{"v"}) << read.status;
  EXPECT_GE(s.Count("RepairPassesFallbacksBy", o[0]), 1);
  for (int i = 0; i < 10; ++i) {
    s.Run(seconds(10));
    s.Get(o[0], "k", {.quorum = 2});
  }
  for (int other : others) EXPECT_TRUE(s.Record(other, "k").empty()) << "n" << other;
  for (int n : {o[0], others[0], others[1]}) {
    EXPECT_EQ(s.node(n).EntropyFigures().repaired_there, 0u) << "n" << n;
  }
  s.Start(o[1]);
  s.Start(o[2]);
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0 && s.OwnersEqual("k"); }, minutes(3)));
  for (int other : others) EXPECT_TRUE(s.Record(other, "k").empty()) << "n" << other;
  EXPECT_EQ(s.Troubles(), Values());
}

}  // namespace
}  // namespace henge::sim
