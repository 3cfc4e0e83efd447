// The Merkle leaves in the store: whatever is written, and wherever the machine stops, they are those of the records
// (H28, H54).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/merkle.h"
#include "storage/leaf_table.h"
#include "storage/replica_store.h"
#include "tests/sim/sim_random.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimFault;
using sim::SimIo;

constexpr ClusterId kCluster{77};
constexpr int kKeys = 24;

std::string NameOf(int key) { return absl::StrCat("key", key); }

// What the records say the trees are.
std::map<PartitionId, PartitionTree> Recomputed(SimStore* sim) {
  std::map<PartitionId, PartitionTree> trees;
  for (int i = 0; i < kKeys; ++i) {
    const RecordKey key = Key(NameOf(i));
    StoreEngine::ReadResult record = sim->Read(key);
    EXPECT_TRUE(record.ok()) << record.status();
    PartitionTree& tree = trees[key.partition];
    if (!record.ok() || !record->has_value()) continue;
    tree.Apply(SegmentOf(key.bucket, key.key), RecordHash(kCluster, key.bucket, key.key, (*record)->object));
  }
  return trees;
}

int WrongTrees(SimStore* sim) {
  int wrong = 0;
  for (const auto& [partition, tree] : Recomputed(sim)) {
    if (sim->engine->ReadTree(partition) != tree || sim->engine->ReadRoot(partition) != tree.root()) ++wrong;
  }
  return wrong;
}

// Writes through a ReplicaStore, as a replica does: several writes of a key in one turn and in one commit group.
class Writer {
 public:
  explicit Writer(SimStore* sim, uint64_t seed) : sim_(sim), random_(seed) {
    store_ = std::make_unique<ReplicaStore>(*sim->engine, sim->loop, size_t{2} << 10);
  }

  void Run(int rounds) {
    for (int round = 0; round < rounds && !sim_->files->frozen(); ++round) {
      for (uint64_t turn = 0; turn <= random_.Below(3); ++turn) {
        for (uint64_t i = 0; i <= random_.Below(6); ++i) Write(NameOf(static_cast<int>(random_.Below(kKeys))));
        sim_->loop.RunTurn();
      }
      sim_->Settle();
    }
  }

 private:
  void Write(const std::string& name) {
    store_->ReadBase(Key(name), [this, name](absl::StatusOr<BaseRecord> base) {
      if (!base.ok()) return;
      Mutation mutation;
      mutation.value = std::string(20 + random_.Below(800), 'v');
      Minted minted = MintVersion(base->object, base->mark, base->object.vv(), mutation, 0, &minter_);
      std::string encoded = minted.object.Encode();
      store_->Write(Key(name), minted.object, encoded, minted.mark, 5, [](absl::Status) {});
    });
  }

  SimStore* sim_;
  sim::SimRandom random_;
  Minter minter_{.store = StoreId(1), .lifetime = Lifetime(random_.Next64())};
  std::unique_ptr<ReplicaStore> store_;
};

absl::Status OpenWithTrees(SimStore* sim) {
  absl::Status opened = sim->Open();
  return opened.ok() ? sim->engine->OpenTrees(kCluster) : opened;
}

TEST(LeafTableTest, KeepsEveryLeafWhileAPartitionFills) {
  LeafTable table;
  sim::SimRandom random(7);
  std::map<PartitionId, std::array<uint64_t, kTreeLeaves>> model;
  for (int step = 0; step < 20'000; ++step) {
    const PartitionId partition(static_cast<uint16_t>(random.Below(3) * (kPartitionCount / 2 - 1)));
    const LeafId leaf{partition, static_cast<uint8_t>(random.Below(kTreeLeaves))};
    const uint64_t hash = random.Below(8) == 0 ? 0 : random.Next64();
    EXPECT_EQ(table.Leaf(leaf), model[partition][leaf.segment]);
    table.Set(leaf, hash);
    model[partition][leaf.segment] = hash;
    EXPECT_EQ(table.Leaf(leaf), hash);
    if (step % 100 != 0) continue;
    for (const auto& [id, leaves] : model) {
      EXPECT_EQ(table.Tree(id), PartitionTree(leaves));
      EXPECT_EQ(table.Root(id), PartitionTree(leaves).root());
    }
  }
  table.Clear();
  for (const auto& [id, leaves] : model) {
    EXPECT_TRUE(table.Has(id));
    EXPECT_EQ(table.Tree(id), PartitionTree());
  }
  EXPECT_FALSE(table.Has(PartitionId(5)));
}

TEST(LeavesTest, AreThoseOfTheRecordsAfterAnyWrites) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SimStore sim(seed);
    ASSERT_TRUE(OpenWithTrees(&sim).ok());
    Writer(&sim, seed).Run(60);
    EXPECT_EQ(WrongTrees(&sim), 0) << "seed " << seed;
    EXPECT_GE(sim.Count(sim::SimIoKind::kCreate, ".sst"), 2) << "flushes are part of it";
    sim.Close();
    ASSERT_TRUE(OpenWithTrees(&sim).ok());
    EXPECT_EQ(WrongTrees(&sim), 0) << "after a clean restart, seed " << seed;
  }
}

// H54: a crash at some operation of a run, and of the open after it, parts no record from its leaf.
TEST(LeavesTest, ACrashLeavesRecordAndLeafTogether) {
  int crashed = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    SimStore sim(seed);
    sim::SimRandom random(seed);
    for (int life = 0; life < 3; ++life) {
      const uint64_t crash_at = sim.files->operations() + random.Below(life == 1 ? 60 : 300);
      sim.plan = [crash_at](const SimIo& io) { return io.index == crash_at ? SimFault::kCrash : SimFault::kNone; };
      if (OpenWithTrees(&sim).ok()) Writer(&sim, random.Next64()).Run(20);
      sim.plan = nullptr;
      crashed += sim.files->frozen() ? 1 : 0;
      sim.Crash(random.Next64());
      ASSERT_TRUE(OpenWithTrees(&sim).ok()) << "seed " << seed;
      ASSERT_EQ(WrongTrees(&sim), 0) << "seed " << seed << " life " << life;
      sim.Close();
    }
  }
  EXPECT_GT(crashed, 200);
}

// Two writes of one key in one commit group: the first one's record is dropped, its step in the leaf is not.
TEST(LeavesTest, EveryStepOfAGroupCounts) {
  SimStore sim;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  const RecordKey key = Key("k");
  const uint64_t first = RecordHash(kCluster, key.bucket, key.key, "first");
  const uint64_t second = RecordHash(kCluster, key.bucket, key.key, "second");
  CommitItem one = Item("k", "first");
  one.leaf_delta = first;
  CommitItem two = Item("k", "second");
  two.leaf_delta = LeafDelta(first, second);
  sim.engine->Commit({one}, sim.loop, [](const absl::Status&, const auto& /*items*/) {});
  sim.engine->Commit({two}, sim.loop, [](const absl::Status&, const auto& /*items*/) {});
  sim.Settle();
  EXPECT_EQ(sim.engine->ReadRoot(key.partition), second);
}

// P35: what takes the place of a broken record has no known base: the leaf is computed anew in the same batch.
TEST(LeavesTest, ARecordWithoutAKnownBaseBringsItsLeafRight) {
  SimStore sim;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  const RecordKey key = Key("k");
  CommitItem lost = Item("k", "");  // of which no hash is known: it stands for any rot
  lost.leaf_delta = 0x1234;
  ASSERT_TRUE(sim.Commit({lost}).ok());
  CommitItem mended = Item("k", "mended");
  mended.leaf_delta = RecordHash(kCluster, key.bucket, key.key, "mended");
  mended.leaf_from_scan = true;
  ASSERT_TRUE(sim.Commit({mended}).ok());
  EXPECT_EQ(sim.engine->ReadRoot(key.partition), mended.leaf_delta);
}

// P35: a flipped bit in a table makes a whole block unreadable, and its leaves with it. Records that are written anew
// from the owners' copies are what was lost, so the leaves stand.
TEST(LeavesTest, RecordsMendedInARottenBlockLeaveTheLeavesRight) {
  SimStore sim;
  sim.options.block_cache_bytes = 0;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  Writer(&sim, 5).Run(20);
  std::map<std::string, std::string> objects;
  std::map<std::string, PartitionTree> trees;
  for (int i = 0; i < kKeys; ++i) {
    objects[NameOf(i)] = sim.Get(NameOf(i));
    trees[NameOf(i)] = sim.engine->ReadTree(Key(NameOf(i)).partition);
  }
  sim.Close();
  ASSERT_TRUE(OpenWithTrees(&sim).ok());  // makes tables of all that was in the log
  sim.Close();
  // Of the two families' tables the largest ones are those of the records.
  std::string largest;
  for (const std::string& table : sim.Files(".sst")) {
    if (largest.empty() || sim.files->Bytes(table)->size() > sim.files->Bytes(largest)->size()) largest = table;
  }
  ASSERT_TRUE(sim.files->FlipBit(largest, 100, 3));
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  int broken = 0;
  ReplicaStore store(*sim.engine, sim.loop, 0);
  for (const auto& [name, bytes] : objects) {
    if (sim.Get(name) != "DATA_LOSS") continue;
    ++broken;
    store.ReadBase(Key(name), [&, name = name, bytes = bytes](absl::StatusOr<BaseRecord> base) {
      ASSERT_TRUE(absl::IsDataLoss(base.status()));
      store.Write(Key(name), *Object::Decode(bytes), bytes, std::nullopt, 5, [](absl::Status) {});
    });
    sim.Settle();
  }
  EXPECT_GT(broken, 0);
  for (const auto& [name, tree] : trees) EXPECT_EQ(sim.engine->ReadTree(Key(name).partition), tree) << name;
}

// Leaves that rot are made anew from the records.
TEST(LeavesTest, BrokenLeavesAreMadeAnew) {
  SimStore sim;
  sim.options.block_cache_bytes = 0;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  Writer(&sim, 6).Run(20);
  sim.Close();
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  sim.Close();
  std::string smallest;
  for (const std::string& table : sim.Files(".sst")) {
    if (smallest.empty() || sim.files->Bytes(table)->size() < sim.files->Bytes(smallest)->size()) smallest = table;
  }
  ASSERT_TRUE(sim.files->FlipBit(smallest, 20, 3));
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  EXPECT_EQ(sim.tracer.Count("LeavesBroken"), 1);
  EXPECT_EQ(WrongTrees(&sim), 0);
  Writer(&sim, 7).Run(5);
  sim.Crash(1);
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  EXPECT_EQ(sim.tracer.Count("LeavesBroken"), 1);
  EXPECT_EQ(WrongTrees(&sim), 0);
}

TEST(LeavesTest, AStoreWithoutTreesIsScannedOnce) {
  SimStore sim;
  ASSERT_TRUE(sim.Open().ok());
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(sim.Put(NameOf(i), absl::StrCat("object ", i)).ok());
  EXPECT_EQ(sim.engine->ReadRoot(Key(NameOf(0)).partition), 0u);
  ASSERT_TRUE(sim.engine->OpenTrees(kCluster).ok());
  EXPECT_EQ(WrongTrees(&sim), 0);
  sim.Crash(3);
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  EXPECT_EQ(WrongTrees(&sim), 0);
}

TEST(LeavesTest, TreesOfAnotherClusterAreRefused) {
  SimStore sim;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  sim.Close();
  ASSERT_TRUE(sim.Open().ok());
  const absl::Status refused = sim.engine->OpenTrees(ClusterId(78));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
}

TEST(LeavesTest, ALeafIsScannedInPagesAndRewritten) {
  SimStore sim;
  ASSERT_TRUE(OpenWithTrees(&sim).ok());
  const LeafId leaf{Key("k").partition, SegmentOf(BucketId(1), "k")};
  CommitItem right = Item("k", "object");
  right.leaf_delta = RecordHash(kCluster, BucketId(1), "k", "object");
  CommitItem wrong = Item("k", "another");  // H28: a leaf that lost its way
  ASSERT_TRUE(sim.Commit({right}).ok());
  ASSERT_TRUE(sim.Commit({wrong}).ok());
  EXPECT_EQ(WrongTrees(&sim), 0) << "of keys that were not touched";
  absl::StatusOr<uint64_t> drift = absl::UnknownError("not answered");
  auto rewrite = [&] {
    sim.engine->RewriteLeaf(leaf, sim.loop, [&drift](absl::StatusOr<uint64_t> d) { drift = d; });
    sim.Settle();
  };
  rewrite();
  ASSERT_TRUE(drift.ok()) << drift.status();
  const uint64_t hash = RecordHash(kCluster, BucketId(1), "k", "another");
  EXPECT_EQ(*drift, LeafDelta(right.leaf_delta, hash));
  rewrite();
  EXPECT_EQ(*drift, 0u);
  std::vector<LeafRecord> seen;
  std::optional<RecordKey> after;
  for (bool done = false; !done;) {
    sim.engine->ScanLeaf(leaf, after, 1, sim.loop, [&](absl::StatusOr<StoreEngine::LeafPage> page) {
      ASSERT_TRUE(page.ok());
      done = page->done;
      for (LeafRecord& record : page->records) seen.push_back(record);
    });
    sim.Settle();
    if (!seen.empty()) after = Key(seen.back().key);
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(LeafRecord{BucketId(1), "k", hash}));
}

}  // namespace
}  // namespace henge::storage_test
