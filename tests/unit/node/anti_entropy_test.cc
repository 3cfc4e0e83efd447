// Anti-entropy between three whole shards over stores in memory: what it repairs, what it leaves alone, what it
// refuses.
#include "node/antientropy/anti_entropy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/slot.h"
#include "node/antientropy/recovery_note.h"
#include "node/node_figures.h"
#include "node/shard.h"
#include "tests/unit/node/fake_store_engine.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

using coordinator_test::Get;
using coordinator_test::Put;
using coordinator_test::With;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Cluster;

class LoopbackTransport final : public Transport {
 public:
  LoopbackTransport(Cluster& cluster, MemberId self) : cluster_(cluster), self_(self) {}
  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override;

 private:
  Cluster& cluster_;
  MemberId self_;
};

struct TestNode {
  TestNode(Cluster& cluster, uint32_t id);

  CountingRandom random;
  RecordingTracer tracer;
  LoopbackTransport transport;
  FakeStoreEngine engine;
  std::vector<PartitionId> whole;
  std::vector<PartitionId> lost;
  std::unique_ptr<Shard> shard;
};

class Cluster {
 public:
  explicit Cluster(std::set<PartitionId> recovering_at_1 = {}, AntiEntropyOptions options = {}) : ring(MakeRing(3)) {
    for (uint32_t id = 1; id <= 3; ++id) {
      nodes.push_back(std::make_unique<TestNode>(*this, id));
      TestNode& n = node(id);
      EXPECT_TRUE(n.engine.OpenTrees(ring->cluster()).ok());
      EntropyStart entropy{.options = options};
      entropy.scrub.pause_between_passes = seconds(10);
      if (id == 1) entropy.recovering = recovering_at_1;
      entropy.whole = [&n](std::vector<PartitionId> whole) { n.whole = std::move(whole); };
      entropy.lost = [&n](std::vector<PartitionId> lost) { n.lost = std::move(lost); };
      n.shard = std::make_unique<Shard>(CoordinatorOptions{.self = MemberId(id)},
                                        ShardEnvironment{clock, loop, n.random, n.transport, n.tracer}, n.engine, ring,
                                        StampStart{}, 0, ShardHints{}, std::move(entropy));
    }
  }

  TestNode& node(uint32_t id) { return *nodes[id - 1]; }
  void StartAntiEntropy() {
    for (auto& n : nodes) n->shard->StartAntiEntropy();
    loop.Run();
  }
  ClientReply Do(uint32_t id, ClientRequest request) {
    ClientReply answer;
    node(id).shard->HandleClient(std::move(request), [&answer](ClientReply reply) { answer = std::move(reply); });
    loop.Pass(seconds(6));
    return answer;
  }
  void Store(uint32_t id, const RecordKey& key, const Object& object) {
    node(id).engine.records[key] = StoredRecord{.object = object.Encode()};
  }
  std::string Stored(uint32_t id, const RecordKey& key) {
    auto found = node(id).engine.records.find(key);
    return found == node(id).engine.records.end() ? "" : found->second.object;
  }
  AntiEntropyFigures Sum() {
    NodeFigures sum;
    for (auto& n : nodes) AddTo(&sum, n->shard->anti_entropy().figures());
    return sum.entropy;
  }
  absl::Status Ask(uint32_t from, uint32_t to, TreeRequest request) {
    absl::Status status;
    node(to).shard->Handle(MemberId(from), std::move(request), clock.now + seconds(1),
                           [&status](absl::StatusOr<PeerReply> reply) { status = reply.status(); });
    loop.Run();
    return status;
  }

  ManualClock clock;
  ManualLoop loop{clock};
  RingPtr ring;
  std::vector<std::unique_ptr<TestNode>> nodes;
  std::set<uint32_t> down;
  std::function<void(TreeParameters*)> tree_parameters;  // changes what a caller says of its trees
  int merges = 0;
};

TestNode::TestNode(Cluster& cluster, uint32_t id)
    : random(id), transport(cluster, MemberId(id)), engine(cluster.loop, StoreId(id)) {}

void LoopbackTransport::Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) {
  if (std::holds_alternative<MergeRequest>(request)) ++cluster_.merges;
  auto* tree = std::get_if<TreeRequest>(&request);
  if (tree != nullptr && cluster_.tree_parameters) cluster_.tree_parameters(&tree->parameters);
  cluster_.loop.Post([&cluster = cluster_, to, deadline, from = self_, request = std::move(request),
                      done = std::move(done)]() mutable {
    if (cluster.down.contains(to.value()) || cluster.down.contains(from.value())) {
      done(absl::UnavailableError("connection refused"));
      return;
    }
    auto back = [&cluster, done = std::move(done)](absl::StatusOr<PeerReply> reply) mutable {
      cluster.loop.Post([done = std::move(done), reply = std::move(reply)]() mutable { done(std::move(reply)); });
    };
    cluster.node(to.value()).shard->Handle(from, std::move(request), deadline, std::move(back));
  });
}

// I3, I16: whatever differs becomes equal in both directions, and then nothing is sent any more.
TEST(AntiEntropy, MakesReplicasEqualAndThenRepairsNothing) {
  Cluster cluster;
  const Object a = MakeObject({{.store = 1, .counter = 1, .value = "a"}});
  const Object b = MakeObject({{.store = 2, .counter = 1, .value = "b"}});
  cluster.Store(1, Key("only here"), a);
  cluster.Store(2, Key("differs"), a);
  cluster.Store(3, Key("differs"), b);
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(60));
  Object both = a;
  both.Merge(b);
  for (uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.Stored(id, Key("only here")), a.Encode()) << "n" << id;
    EXPECT_EQ(cluster.Stored(id, Key("differs")), both.Encode()) << "n" << id;
  }
  const AntiEntropyFigures before = cluster.Sum();
  EXPECT_GE(before.repaired_here + before.repaired_there, 4u);
  const int merges = cluster.merges;
  cluster.loop.Pass(seconds(60));
  const AntiEntropyFigures after = cluster.Sum();
  EXPECT_EQ(after.repaired_here + after.repaired_there, before.repaired_here + before.repaired_there);
  EXPECT_EQ(after.leaves_scanned, before.leaves_scanned);
  EXPECT_EQ(cluster.merges, merges);
  EXPECT_GT(after.rounds_equal, before.rounds_equal + 20) << "always on";
}

// H29: records that differ in their context only differ.
TEST(AntiEntropy, AContextAloneIsADifference) {
  Cluster cluster;
  Object older = MakeObject({{.store = 1, .counter = 1, .value = "v"}});
  Object newer = MakeObject({{.store = 1, .counter = 1, .value = "v"}, {.store = 2, .counter = 3, .value = "w"}});
  newer.Merge(older);
  cluster.Store(1, Key("k"), older);
  cluster.Store(2, Key("k"), newer);
  cluster.Store(3, Key("k"), newer);
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(60));
  EXPECT_EQ(cluster.Stored(1, Key("k")), newer.Encode());
}

// A write on its way looks like a difference: a leaf is scanned only if it differs twice, some time apart.
TEST(AntiEntropy, ADifferenceThatEndsByItselfIsNotScanned) {
  Cluster cluster;
  const Object object = MakeObject({{.store = 1, .counter = 1, .value = "v"}});
  cluster.Store(1, Key("k"), object);
  cluster.StartAntiEntropy();
  for (int i = 0; i < 100 && cluster.Sum().rounds == cluster.Sum().rounds_equal; ++i) {
    cluster.loop.Pass(std::chrono::milliseconds(50));
  }
  ASSERT_GT(cluster.Sum().rounds, cluster.Sum().rounds_equal) << "it was seen once";
  EXPECT_EQ(cluster.Sum().leaves_scanned, 0u);
  cluster.Store(2, Key("k"), object);
  cluster.Store(3, Key("k"), object);
  cluster.loop.Pass(seconds(60));
  EXPECT_EQ(cluster.Sum().leaves_scanned, 0u);
  for (uint32_t id = 1; id <= 3; ++id) {
    for (const PeerEntropy& peer : cluster.node(id).shard->anti_entropy().PeerFigures()) {
      EXPECT_EQ(peer.leaves_differing, 0u);
      EXPECT_FALSE(peer.oldest_min.has_value());
      EXPECT_TRUE(peer.partitions.empty());
      EXPECT_TRUE(peer.finished.has_value());
    }
  }
}

// H27: trees of other parameters are not compared, and it shows.
TEST(AntiEntropy, H27TreesOfOtherParametersAreRefused) {
  Cluster cluster;
  TreeRequest request;
  request.parameters.cluster = cluster.ring->cluster();
  request.parameters.epoch = SharedBy(*cluster.ring, MemberId(1), MemberId(2), 1, 0).digest;
  EXPECT_TRUE(cluster.Ask(1, 2, request).ok());
  const auto refused = [&](TreeRequest bad, const char* why) {
    const absl::Status status = cluster.Ask(1, 2, std::move(bad));
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  };
  TreeRequest bad = request;
  bad.parameters.hash_version = 2;
  refused(bad, "hash");
  bad = request;
  bad.parameters.cluster = ClusterId(1);
  refused(bad, "cluster");
  bad = request;
  bad.parameters.epoch = LayoutEpoch(5);
  refused(bad, "layout");
  EXPECT_EQ(cluster.node(2).tracer.events["TreesNotComparable"], 3);
  EXPECT_EQ(cluster.node(2).shard->anti_entropy().figures().refused, 3u);
  bad = request;
  bad.level = TreeLevel::kRecords;
  bad.nodes = {0};
  bad.after_key = "of another partition";
  EXPECT_EQ(cluster.Ask(1, 2, bad).code(), absl::StatusCode::kInvalidArgument);
  bad.nodes = {0, 1};
  EXPECT_EQ(cluster.Ask(1, 2, bad).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(cluster.node(2).tracer.events["TreesNotComparable"], 5) << "what is asked wrongly shows, too";
  EXPECT_EQ(cluster.node(2).shard->anti_entropy().figures().refused, 5u);
}

// H27, seen from both sides: refused, told once, counted each time; and nothing is changed on either.
TEST(AntiEntropy, H27APeerOfOtherParametersLosesNothingAndIsToldOnce) {
  Cluster cluster;
  const Object a = MakeObject({{.store = 1, .counter = 1, .value = "a"}});
  const Object b = MakeObject({{.store = 2, .counter = 1, .value = "b"}});
  cluster.Store(1, Key("k"), a);
  cluster.Store(2, Key("k"), b);
  cluster.tree_parameters = [](TreeParameters* parameters) { parameters->branches = 8; };
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(50));
  for (uint32_t id = 1; id <= 3; ++id) {
    const AntiEntropyFigures figures = cluster.node(id).shard->anti_entropy().figures();
    EXPECT_GE(figures.refused, 5u);
    EXPECT_GE(figures.rounds_refused, 5u);
    EXPECT_EQ(figures.rounds_refused, figures.rounds_failed);
    EXPECT_EQ(cluster.node(id).tracer.events["ExchangeRefused"], 2) << "once for each peer";
    EXPECT_EQ(cluster.node(id).tracer.events["TreesNotComparable"], 2) << "once a minute for each peer";
    for (const PeerEntropy& peer : cluster.node(id).shard->anti_entropy().PeerFigures()) {
      EXPECT_FALSE(peer.finished.has_value());
    }
  }
  EXPECT_EQ(cluster.Stored(1, Key("k")), a.Encode());
  EXPECT_EQ(cluster.Stored(2, Key("k")), b.Encode());
  cluster.tree_parameters = nullptr;
  cluster.loop.Pass(seconds(60));
  EXPECT_EQ(cluster.Stored(1, Key("k")), cluster.Stored(3, Key("k"))) << "one that was upgraded is compared again";
}

TEST(AntiEntropy, ALeafThatThePeerRepairsIsLeftToItForAMomentOnly) {
  TakenLeaves taken(seconds(2), 2);
  const LeafId leaf{PartitionId(7), 9};
  const MonotonicTime start{seconds(5)};
  EXPECT_FALSE(taken.IsTaken(MemberId(2), leaf, start));
  taken.Take(MemberId(2), leaf, start);
  EXPECT_TRUE(taken.IsTaken(MemberId(2), leaf, start + seconds(1)));
  EXPECT_FALSE(taken.IsTaken(MemberId(3), leaf, start)) << "by another peer";
  for (int i = 0; i < 7; ++i) taken.Take(MemberId(2), leaf, start + seconds(i));
  EXPECT_FALSE(taken.IsTaken(MemberId(2), leaf, start + seconds(3))) << "who asks for ever does not keep it";
  taken.Take(MemberId(2), leaf, start + seconds(9));
  EXPECT_TRUE(taken.IsTaken(MemberId(2), leaf, start + seconds(9)));
  taken.Take(MemberId(3), leaf, start + seconds(9));
  taken.Take(MemberId(4), leaf, start + seconds(9));
  EXPECT_FALSE(taken.IsTaken(MemberId(4), leaf, start + seconds(9))) << "bounded";
  taken.Take(MemberId(4), leaf, start + seconds(90));
  EXPECT_TRUE(taken.IsTaken(MemberId(4), leaf, start + seconds(90)));
}

// What the rounds saw, and no more: bounds of the oldest write's age, and a time that is unknown before a repair.
TEST(AntiEntropy, FiguresSayWhatTheRoundsSaw) {
  Cluster cluster;
  cluster.node(1).shard->StartAntiEntropy();  // alone, so that no other finds the difference before it
  cluster.loop.Pass(seconds(30));
  const auto to_2 = [&] { return cluster.node(1).shard->anti_entropy().PeerFigures()[0]; };
  ASSERT_EQ(to_2().peer, MemberId(2));
  EXPECT_EQ(to_2().convergence, Duration(0));
  EXPECT_FALSE(to_2().oldest_min.has_value());
  cluster.Store(1, Key("k"), MakeObject({{.store = 1, .counter = 1, .value = "v"}}));
  const MonotonicTime written = cluster.clock.now;
  for (int i = 0; i < 1000 && to_2().leaves_differing == 0; ++i) cluster.loop.Pass(std::chrono::milliseconds(20));
  ASSERT_EQ(to_2().leaves_differing, 1u);
  const PeerEntropy seen = to_2();
  const Duration age = cluster.clock.now - written;
  EXPECT_LE(*seen.oldest_min, age);
  EXPECT_GE(*seen.oldest_max, age);
  EXPECT_LE(*seen.oldest_max, age + seconds(15)) << "nor older than the round before";
  ASSERT_EQ(seen.partitions.size(), 1u);
  EXPECT_EQ(seen.partitions[0].partition, Key("k").partition);
  EXPECT_EQ(seen.convergence, std::nullopt) << "nothing was repaired yet";
  cluster.loop.Pass(seconds(30));
  EXPECT_EQ(to_2().convergence, Duration(0));
  cluster.Store(1, Key("k"), MakeObject({{.store = 1, .counter = 2, .value = "w"}}));
  for (int i = 0; i < 1000 && to_2().leaves_differing == 0; ++i) cluster.loop.Pass(std::chrono::milliseconds(20));
  ASSERT_EQ(to_2().leaves_differing, 1u);
  ASSERT_TRUE(to_2().convergence.has_value());
  EXPECT_GT(*to_2().convergence, seconds(3)) << "its turn comes after a pause";
  EXPECT_LT(*to_2().convergence, seconds(30));
  cluster.down.insert(2);
  cluster.loop.Pass(seconds(10));
  EXPECT_EQ(to_2().convergence, std::nullopt) << "the last round with it failed";
}

// However much there is to repair with one peer, the others are compared, too.
TEST(AntiEntropy, ALongRepairLeavesTheOtherPeersTheirTurn) {
  Cluster cluster({}, {.lanes = 1, .repair_time_max = seconds(5), .bytes_per_second = 10});
  for (int i = 0; i < 30; ++i) {
    cluster.Store(1, Key("k" + std::to_string(i)), MakeObject({{.store = 1, .counter = 1, .value = "v"}}));
  }
  cluster.node(1).shard->StartAntiEntropy();
  cluster.loop.Pass(seconds(60));
  EXPECT_GT(cluster.node(2).engine.records.size(), 0u);
  EXPECT_GT(cluster.node(3).engine.records.size(), 0u);
  EXPECT_LT(cluster.node(2).engine.records.size(), 30u) << "there was not the time for all";
}

// H44, P35: a leaf of which a block is broken can't be scanned, and is mended by what the others list.
TEST(Scrub, H44ALeafThatCantBeScannedIsMendedFromThePeers) {
  Cluster cluster;
  const Object object = MakeObject({{.store = 1, .counter = 1, .value = "v"}});
  const Object newer = MakeObject({{.store = 3, .counter = 1, .value = "w"}});
  for (uint32_t id = 1; id <= 3; ++id) cluster.Store(id, Key("k"), object);
  TestNode& n = cluster.node(1);
  n.engine.unreadable_leaves.insert({Key("k").partition, SegmentOf(BucketId(1), "k")});
  n.engine.unreadable.insert("k");
  n.engine.mended_by_writing = true;
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(30));
  EXPECT_GE(n.tracer.events["LeafUnreadable"], 1);
  EXPECT_EQ(n.tracer.events["LeafMended"], n.tracer.events["LeafUnreadable"]);
  EXPECT_EQ(n.shard->replica().figures().mended, 1u);
  EXPECT_GE(n.shard->scrub().figures().leaves_mended, 1u);
  EXPECT_TRUE(n.engine.unreadable.empty());
  // The block is broken as before; what the others write to the leaf comes here all the same.
  cluster.Store(2, Key("k"), newer);
  cluster.Store(3, Key("k"), newer);
  cluster.loop.Pass(seconds(60));
  Object both = object;
  both.Merge(newer);
  EXPECT_EQ(cluster.Stored(1, Key("k")), both.Encode());
}

// P34: what belongs to no bucket known here is left alone.
TEST(AntiEntropy, RecordsOfUnknownBucketsAreNotExchanged) {
  Cluster cluster;
  RecordKey key = Key("k");
  key.bucket = BucketId(99);
  cluster.Store(1, key, MakeObject({{.store = 1, .counter = 1, .value = "v"}}));
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(60));
  EXPECT_EQ(cluster.merges, 0);
  EXPECT_EQ(cluster.Sum().repaired_here, 0u);
  EXPECT_EQ(cluster.Stored(2, key), "");
}

// P15: a replica that lost its data answers no read, neither a peer's nor its own coordinator's; merges it takes.
TEST(AntiEntropy, P15ARecoveringReplicaDoesNotCount) {
  const PartitionId partition = Key("k").partition;
  Cluster cluster({partition});
  const Object object = MakeObject({{.store = 2, .counter = 1, .value = "v"}});
  cluster.Store(2, Key("k"), object);
  cluster.Store(3, Key("k"), object);
  const ClientReply all = cluster.Do(2, With(Get(), 3));
  EXPECT_EQ(all.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(all.status.message()), HasSubstr("recovering"));
  const ClientReply own = cluster.Do(1, With(Get(), 1));
  EXPECT_THAT(own.values, ElementsAre("v")) << "its own empty record is no answer: " << own.status;
  EXPECT_TRUE(cluster.Do(1, With(Put("w"), 3)).status.ok()) << "writes count";

  cluster.down.insert(3);
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(30));
  EXPECT_THAT(cluster.node(1).whole, IsEmpty()) << "n3 is not known to be dead, and was not heard";
  cluster.down.clear();
  cluster.loop.Pass(seconds(10));
  EXPECT_THAT(cluster.node(1).whole, ElementsAre(partition));
  EXPECT_EQ(cluster.Stored(1, Key("k")), cluster.Stored(2, Key("k")));
  EXPECT_TRUE(cluster.Do(2, With(Get(), 3)).status.ok());
}

// P15: a dead owner is not waited for; an exchange before the loss proves nothing.
TEST(AntiEntropy, P15ALossWhileRunningIsNotedAndEnds) {
  Cluster cluster;
  cluster.down.insert(3);
  auto liveness = std::make_shared<LivenessSnapshot>(
      std::vector<LivenessSnapshot::Entry>{{.member = MemberId(3), .liveness = Liveness::kDead}});
  for (auto& n : cluster.nodes) n->shard->UpdateLiveness(liveness);
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(20));
  const PartitionId partition = Key("k").partition;
  cluster.node(1).shard->MarkRecovering({partition});
  EXPECT_THAT(cluster.node(1).lost, ElementsAre(partition));
  EXPECT_EQ(cluster.node(1).shard->anti_entropy().figures().recovering, 1u);
  cluster.loop.Pass(seconds(2));
  EXPECT_THAT(cluster.node(1).whole, ElementsAre(partition));
}

// H28: a leaf that is not that of its records is found by the scrub, alarmed and computed anew, once.
TEST(Scrub, H28ALeafThatDriftedIsComputedAnew) {
  Cluster cluster;
  const Object object = MakeObject({{.store = 1, .counter = 1, .value = "v"}});
  for (uint32_t id = 1; id <= 3; ++id) {
    cluster.Store(id, Key("k"), object);
    cluster.Store(id, Key("other"), object);
  }
  const LeafId leaf{Key("k").partition, SegmentOf(BucketId(1), "k")};
  TestNode& n = cluster.node(1);
  n.engine.drift[leaf] = 0x77;
  cluster.StartAntiEntropy();
  cluster.loop.Pass(seconds(60));
  EXPECT_TRUE(n.engine.drift.empty());
  EXPECT_EQ(n.tracer.events["LeafDrifted"], 1);
  EXPECT_EQ(n.shard->scrub().figures().leaves_rewritten, 1u);
  EXPECT_EQ(cluster.node(2).shard->scrub().figures().leaves_rewritten, 0u);
  cluster.loop.Pass(seconds(60));
  EXPECT_GE(n.shard->scrub().figures().passes, 2u);
  EXPECT_EQ(n.shard->scrub().figures().leaves_rewritten, 1u);
  EXPECT_EQ(cluster.merges, 0) << "the records were equal all along";
}

TEST(AntiEntropy, TheNoteOfRecoveringPartitionsOutlivesTheProcess) {
  ManualClock clock;
  ManualLoop loop{clock};
  FakeStoreEngine engine(loop, StoreId(1));
  EXPECT_THAT(*RecoveryNote::Load(engine), IsEmpty());
  const std::set<PartitionId> lost = {PartitionId(0), PartitionId(9), PartitionId(16383)};
  ASSERT_TRUE(RecoveryNote::Store(engine, lost).ok());
  EXPECT_EQ(*RecoveryNote::Load(engine), lost);
  RecoveryNote note(engine, loop, lost);
  note.Whole({PartitionId(0)});
  note.Whole({PartitionId(9)});  // while the first is being written
  note.Lost({PartitionId(8)});
  loop.Run();
  EXPECT_EQ(*RecoveryNote::Load(engine), (std::set<PartitionId>{PartitionId(8), PartitionId(16383)}));
  ASSERT_TRUE(engine.WriteMeta("recovering", "strange").ok());
  EXPECT_EQ(RecoveryNote::Load(engine).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(AntiEntropy, ABudgetOfBytesIsKept) {
  ByteBudget budget(1000, std::chrono::milliseconds(100));
  const MonotonicTime start{seconds(5)};
  EXPECT_EQ(budget.Take(100, start), start);
  EXPECT_EQ(budget.Take(100, start), start + std::chrono::milliseconds(100));
  EXPECT_EQ(budget.Take(1000, start + seconds(10)), start + seconds(10) + std::chrono::milliseconds(900));
}

}  // namespace
}  // namespace henge::node_test
