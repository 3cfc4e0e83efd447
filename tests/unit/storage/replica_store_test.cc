// The overlay (P5), and answers that wait for the disk (P11).
#include "storage/replica_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/model/mint.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimIoKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// With and without a record cache, which nobody may notice.
class ReplicaStoreTest : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sim.Open().ok());
    Reset();
  }
  void TearDown() override { store.reset(); }

  void Reset() { store = std::make_unique<ReplicaStore>(*sim.engine, sim.loop, GetParam()); }

  // Reads the base, mints `value` over it in the same step.
  void Mint(const std::string& key, const std::string& value, bool* durable = nullptr) {
    store->ReadBase(Key(key), [this, key, value, durable](absl::StatusOr<BaseRecord> base) {
      ASSERT_TRUE(base.ok()) << base.status();
      bases.push_back(Values(base->object));
      Mutation mutation;
      mutation.value = value;
      Minted minted = MintVersion(base->object, base->mark, base->object.vv(), mutation, 0, &minter);
      std::string encoded = minted.object.Encode();
      store->Write(Key(key), minted.object, encoded, minted.mark, 5, [durable](absl::Status status) {
        EXPECT_TRUE(status.ok()) << status;
        if (durable != nullptr) *durable = true;
      });
    });
  }

  static std::string Values(const Object& object) {
    std::string out;
    for (const Sibling& sibling : object.siblings()) absl::StrAppend(&out, out.empty() ? "" : ",", sibling.value);
    return out.empty() ? "(none)" : out;
  }

  std::string Base(const std::string& key) {
    std::string result = "not answered";
    store->ReadBase(Key(key), [&result](absl::StatusOr<BaseRecord> base) {
      result = base.ok() ? absl::StrCat(Values(base->object), base->durable ? "" : " (not durable)")
                         : absl::StatusCodeToString(base.status().code());
    });
    sim.loop.RunTurn();
    return result;
  }

  std::string Durable(const std::string& key) {
    std::string result = "not answered";
    store->Read(Key(key), [&result](absl::StatusOr<std::optional<StoredRecord>> record) {
      result = !record.ok()           ? absl::StatusCodeToString(record.status().code())
               : !record->has_value() ? "(absent)"
                                      : Values(*Object::Decode((*record)->object));
    });
    sim.loop.RunTurn();
    return result;
  }

  // Fills tables and forgets the caches, so that `key` must be read from the disk.
  void PushToDisk(const std::string& key, const std::string& value) {
    Mint(key, value);
    sim.loop.RunTurn();
    sim.Settle();
    store.reset();
    for (int i = 0; i < 2; ++i) {  // the first open makes a table of the log, and keeps that in its cache
      sim.Close();
      ASSERT_TRUE(sim.Open().ok());
    }
    Reset();
    bases.clear();
  }

  SimStore sim;
  std::unique_ptr<ReplicaStore> store;
  Minter minter{StoreId(1), Lifetime(2), 0};
  std::vector<std::string> bases;
};

TEST_P(ReplicaStoreTest, AWriteIsTheBaseAtOnceAndReadWhenDurable) {
  bool durable = false;
  Mint("k", "v1", &durable);
  sim.loop.RunTurn();
  EXPECT_EQ(store->overlay_size(), 1);
  EXPECT_EQ(Durable("k"), "(absent)") << "P5: clients see durable records only";
  EXPECT_EQ(Base("k"), "v1 (not durable)");
  EXPECT_FALSE(durable);
  sim.Settle();
  EXPECT_TRUE(durable);
  EXPECT_EQ(store->overlay_size(), 0);
  EXPECT_EQ(Durable("k"), "v1");
  EXPECT_EQ(Base("k"), "v1");
}

// P5: items of one turn for one key fold one after another.
TEST_P(ReplicaStoreTest, MintsOfOneTurnFoldInOrder) {
  int durable = 0;
  bool flags[3] = {};
  for (int i = 0; i < 3; ++i) Mint("k", absl::StrCat("v", i), &flags[i]);
  sim.loop.RunTurn();
  EXPECT_THAT(bases, ElementsAre("(none)", "v0", "v1"));
  sim.Settle();
  for (bool flag : flags) durable += flag ? 1 : 0;
  EXPECT_EQ(durable, 3);
  EXPECT_EQ(Durable("k"), "v2");
  EXPECT_EQ(sim.engine->figures().commits, 1);
  EXPECT_EQ(sim.engine->figures().records, 1) << "the last one stands for all";
}

TEST_P(ReplicaStoreTest, MintsOfPipelinedTurnsFoldOverTheOverlay) {
  for (int i = 0; i < 4; ++i) {
    Mint("k", absl::StrCat("v", i));
    sim.loop.RunTurn();  // no worker runs between: nothing is durable yet
  }
  EXPECT_THAT(bases, ElementsAre("(none)", "v0", "v1", "v2"));
  EXPECT_EQ(store->overlay_size(), 1);
  sim.Settle();
  EXPECT_EQ(Durable("k"), "v3");
  EXPECT_EQ(store->overlay_size(), 0);
}

TEST_P(ReplicaStoreTest, AnEntryStaysUntilItsNewestWriteIsDurable) {
  Mint("k", "v0");
  sim.loop.RunTurn();
  ASSERT_TRUE(sim.workers.RunAll());  // v0 is durable, its answer not delivered
  Mint("k", "v1");
  sim.loop.RunTurn();  // delivers the answer of v0, then mints v1, or the other way round
  EXPECT_EQ(store->overlay_size(), 1);
  EXPECT_EQ(Durable("k"), "v0");
  EXPECT_EQ(Base("k"), "v1 (not durable)");
  sim.Settle();
  EXPECT_EQ(store->overlay_size(), 0);
  EXPECT_EQ(Base("k"), "v1");
}

TEST_P(ReplicaStoreTest, ReadsOfOneTurnAreOneBatchSoAreItsWrites) {
  for (int i = 0; i < 50; ++i) Mint(absl::StrCat("k", i), "v");
  sim.loop.RunTurn();
  uint64_t syncs = sim.Count(SimIoKind::kSync, ".log");
  sim.Settle();
  EXPECT_EQ(sim.Count(SimIoKind::kSync, ".log") - syncs, 1);
  EXPECT_EQ(sim.engine->figures().commits, 1);
  EXPECT_EQ(sim.engine->figures().records, 50);
}

TEST_P(ReplicaStoreTest, BasesThatNeedTheDiskComeInOrderAndFold) {
  PushToDisk("k", "old");
  Mint("k", "v1");
  Mint("k", "v2");
  sim.loop.RunTurn();
  EXPECT_THAT(bases, IsEmpty());
  Mint("k", "v3");  // in a later turn, while the disk is still being read
  sim.loop.RunTurn();
  EXPECT_THAT(bases, IsEmpty());
  sim.Settle();
  EXPECT_THAT(bases, ElementsAre("old", "v1", "v2"));
  EXPECT_EQ(Durable("k"), "v3");
  EXPECT_EQ(store->overlay_size(), 0);
}

// Invariant 2: a read of the disk that began before a write must not be taken for the newest record after it.
TEST_P(ReplicaStoreTest, AnOldReadOfTheDiskDoesNotHideANewerWrite) {
  PushToDisk("k", "old");
  std::vector<std::string> seen;
  store->ReadBase(Key("k"), [&](absl::StatusOr<BaseRecord> base) { seen.push_back(Values(base->object)); });
  sim.loop.RunTurn();  // on its way to the disk
  Mutation mutation;
  mutation.value = "new";
  Minted minted = MintVersion(Object(), std::nullopt, VersionVector(), mutation, 0, &minter);
  bool durable = false;
  // While the disk is being read, a write becomes durable, and its answer overtakes the read's.
  sim.plan = [&](const sim::SimIo& io) {
    if (io.kind != SimIoKind::kRead || !io.path.ends_with(".sst") || durable) return sim::SimFault::kNone;
    sim.plan = nullptr;
    store->Write(Key("k"), minted.object, minted.object.Encode(), minted.mark, 5,
                 [&durable](absl::Status status) { durable = status.ok(); });
    sim.loop.RunTurn();
    EXPECT_TRUE(sim.workers.RunAll());
    sim.loop.RunTurn();
    EXPECT_TRUE(durable);
    EXPECT_THAT(seen, IsEmpty());
    EXPECT_EQ(store->overlay_size(), 1) << "pinned by the read";
    return sim::SimFault::kNone;
  };
  sim.Settle();
  EXPECT_TRUE(durable) << "the case must occur";
  EXPECT_THAT(seen, ElementsAre("new"));
  EXPECT_EQ(store->overlay_size(), 0);
}

TEST_P(ReplicaStoreTest, AwaitDurableWaitsForTheNewestRecordOnly) {
  std::vector<std::string> order;
  auto note = [&order](std::string name) { return [&order, name](absl::Status) { order.push_back(name); }; };
  store->AwaitDurable(Key("k"), note("nothing written"));
  EXPECT_THAT(order, ElementsAre("nothing written"));
  Mint("k", "v0");
  sim.loop.RunTurn();
  store->AwaitDurable(Key("k"), note("v0"));
  Mint("k", "v1");
  sim.loop.RunTurn();
  store->AwaitDurable(Key("k"), note("v1"));
  EXPECT_THAT(order, ElementsAre("nothing written"));
  sim.Settle();
  EXPECT_THAT(order, ElementsAre("nothing written", "v0", "v1"));
  store->AwaitDurable(Key("k"), note("durable already"));
  EXPECT_EQ(order.size(), 4);
}

TEST_P(ReplicaStoreTest, AfterAFailedSyncEverythingAnswersTheStickyError) {
  sim.plan = [](const sim::SimIo& io) {
    return io.kind == SimIoKind::kSync && io.path.ends_with(".log") ? sim::SimFault::kError : sim::SimFault::kNone;
  };
  absl::Status durable, waited;
  store->ReadBase(Key("k"), [&](absl::StatusOr<BaseRecord> base) {
    ASSERT_TRUE(base.ok());
    store->Write(Key("k"), base->object, base->object.Encode(), std::nullopt, 5,
                 [&](absl::Status status) { durable = status; });
    store->AwaitDurable(Key("k"), [&](absl::Status status) { waited = status; });
  });
  sim.loop.RunTurn();
  sim.Settle();
  EXPECT_FALSE(durable.ok());
  EXPECT_EQ(waited, durable);
  EXPECT_EQ(sim.engine->health(), durable);
  std::string code = absl::StatusCodeToString(durable.code());
  EXPECT_EQ(Base("k"), code);
  EXPECT_EQ(Base("other"), code);
  EXPECT_EQ(Durable("k"), code);
  absl::Status again;
  store->AwaitDurable(Key("other"), [&](absl::Status status) { again = status; });
  EXPECT_EQ(again, durable);
}

TEST_P(ReplicaStoreTest, AnswersAfterItsEndFindNobody) {
  PushToDisk("k", "old");
  bool called = false;
  store->Read(Key("k"), [&](auto) { called = true; });
  Mint("other", "v");
  sim.loop.RunTurn();
  store->Read(Key("k"), [&](auto) { called = true; });
  store.reset();
  sim.Settle();
  EXPECT_FALSE(called);
}

// A commit whose record a later turn has replaced already must not come back as the newest durable one.
TEST_P(ReplicaStoreTest, AReadNeverGoesBackBehindAnEarlierOne) {
  Mint("k", "v0");
  sim.loop.RunTurn();
  sim.Settle();
  EXPECT_EQ(Durable("k"), "v0");
  Mint("k", "v1");
  sim.loop.RunTurn();
  Mint("k", "v2");
  sim.loop.RunTurn();
  EXPECT_EQ(Durable("k"), "v0");
  ASSERT_TRUE(sim.workers.RunAll());  // both are durable, their answers not delivered
  const std::string before = Durable("k");
  sim.Settle();
  EXPECT_EQ(Durable("k"), "v2");
  EXPECT_EQ(Base("k"), "v2");
  EXPECT_NE(before, "(absent)");
}

// P11: what was acked is read, though a newer write of the key is on its way already.
TEST_P(ReplicaStoreTest, AnAckedWriteIsReadWhileItsSuccessorIsWritten) {
  Mint("k", "v0");
  sim.loop.RunTurn();
  sim.Settle();
  EXPECT_EQ(Durable("k"), "v0");
  bool acked = false;
  Mint("k", "v1", &acked);
  sim.loop.RunTurn();
  ASSERT_TRUE(sim.workers.RunAll());  // v1 is durable; before its answer comes, v2 takes its place
  Minted next = MintVersion(Object(), std::nullopt, VersionVector(), Mutation{.value = "v2"}, 0, &minter);
  store->Write(Key("k"), next.object, next.object.Encode(), next.mark, 5, [](absl::Status) {});
  sim.loop.RunTurn();
  ASSERT_TRUE(acked);
  EXPECT_EQ(Durable("k"), "v1");
  sim.Settle();
  EXPECT_EQ(Durable("k"), "v2");
}

TEST_P(ReplicaStoreTest, TheCacheSparesReadsOfTheDisk) {
  PushToDisk("k", "old");
  auto reads = [this] { return sim.Count(SimIoKind::kRead, ".sst"); };
  store->Read(Key("k"), [](auto) {});
  sim.loop.RunTurn();
  sim.Settle();
  EXPECT_EQ(Durable("k"), "old");  // from the block cache, and into the record cache
  const uint64_t before = reads();
  EXPECT_EQ(Durable("k"), "old");
  EXPECT_EQ(Base("k"), "old");
  EXPECT_EQ(reads(), before);
}

INSTANTIATE_TEST_SUITE_P(Cache, ReplicaStoreTest, ::testing::Values(0, 64 << 10),
                         [](const auto& info) { return info.param == 0 ? "Without" : "With"; });

}  // namespace
}  // namespace henge::storage_test
