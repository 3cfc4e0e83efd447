// The hint store over the real RocksDB: what it keeps, what it gives back, what it does with what is broken.
#include "storage/hint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "storage/hint_format.h"
#include "tests/unit/storage/hint_test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimFault;
using sim::SimIo;
using ::testing::ElementsAre;

class SilentLogger : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class HintStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(hints.Open().ok()); }

  std::vector<std::string> Keys(const HintStore::Page& page) {
    std::vector<std::string> keys;
    for (const auto& [key, hint] : page.items) keys.push_back(key.record.key);
    return keys;
  }

  // Writes bytes under a key behind the store's back.
  void Plant(const std::string& key, const std::string& value) {
    hints.Close();
    rocksdb::Options options;
    options.env = &hints.base.env;
    options.enable_blob_files = true;
    options.info_log = std::make_shared<SilentLogger>();
    rocksdb::DB* opened = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options, hints.base.options.data_dir + "/data", &opened);
    ASSERT_TRUE(status.ok()) << status.ToString();
    std::unique_ptr<rocksdb::DB> db(opened);
    rocksdb::WriteOptions sync;
    sync.sync = true;
    ASSERT_TRUE(db->Put(sync, key, value).ok());
    ASSERT_TRUE(db->Close().ok());
  }

  SimHints hints;
};

HintChange MarkHint(std::string key, const std::string& object) {
  HintChange change = RemoveHint(2, std::move(key), object);
  change.kind = HintChange::Kind::kMark;
  change.hint.stored_at_ms = 1'700'000'000'005;
  return change;
}

// P17: the hint goes and the mark comes in one batch, if the hint is still the one that was proved.
TEST_F(HintStoreTest, P17AMarkTakesThePlaceOfTheHintThatWasProved) {
  ASSERT_TRUE(hints.Commit({PutHint(2, "a", "one"), PutHint(2, "b", "two")}).ok());
  auto effects = hints.Commit({MarkHint("a", "another"), MarkHint("b", "two"), MarkHint("c", "none")});
  ASSERT_TRUE(effects.ok());
  EXPECT_FALSE(effects->at(0).took_effect);
  EXPECT_TRUE(effects->at(1).took_effect);
  EXPECT_EQ(effects->at(1).count, -1);
  EXPECT_FALSE(effects->at(2).took_effect);
  EXPECT_EQ(hints.Get(2, "a"), "one");
  EXPECT_EQ(hints.Get(2, "b"), "(absent)");
  hints.Close();
  ASSERT_TRUE(hints.Open().ok());
  const RecordKey b = HintFor(2, "b").record;
  ASSERT_EQ(hints.store->marks().size(), 1u);
  const MarkedPartition& marked = hints.store->marks().at(b.partition);
  EXPECT_EQ(marked.segments.count(), 1u);
  EXPECT_TRUE(marked.segments[SegmentOf(b.bucket, b.key)]);
  EXPECT_EQ(marked.since_ms, 1'700'000'000'005);
  EXPECT_EQ(hints.store->figures().hints, 1u) << "marks are no hints";
  EXPECT_EQ(hints.store->census().size(), 1u);

  HintChange unmark{.kind = HintChange::Kind::kUnmark};
  unmark.key.record.partition = b.partition;
  unmark.segments.set();
  EXPECT_TRUE(hints.Commit({unmark})->at(0).took_effect);
  EXPECT_FALSE(hints.Commit({unmark})->at(0).took_effect);
  hints.Close();
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_TRUE(hints.store->marks().empty());
}

// What can't be read may have said anything.
TEST_F(HintStoreTest, BrokenMarksMarkTheWholePartition) {
  Plant(MarksKey(PartitionId(7)), "\x01garbage");
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.store->marks().at(PartitionId(7)).segments.count(), 256u);
  EXPECT_EQ(hints.base.tracer.Count("MarksBroken"), 1);
  hints.Close();
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.store->marks().at(PartitionId(7)).segments.count(), 256u);
  EXPECT_EQ(hints.base.tracer.Count("MarksBroken"), 1) << "they were written anew";
}

TEST_F(HintStoreTest, KeepsOneHintForEachTargetAndKey) {
  auto effects = hints.Commit({PutHint(2, "a", "one"), PutHint(3, "a", "two"), PutHint(2, "b", "three")});
  ASSERT_TRUE(effects.ok());
  EXPECT_EQ(hints.Get(2, "a"), "one");
  EXPECT_EQ(hints.Get(3, "a"), "two");
  EXPECT_EQ(hints.Get(2, "b"), "three");
  EXPECT_EQ(hints.Get(3, "b"), "(absent)");
  EXPECT_EQ(hints.store->figures().hints, 3u);
}

TEST_F(HintStoreTest, CountsWhatEachStepDid) {
  const uint64_t one = HintBytes(HintFor(2, "a"), {.object = "one", .needed = 2});
  auto effects = hints.Commit({PutHint(2, "a", "one")});
  EXPECT_EQ(effects->at(0).count, 1);
  EXPECT_EQ(effects->at(0).bytes, static_cast<int64_t>(one)) << "HintBytes says what is stored";
  effects = hints.Commit({PutHint(2, "a", "one and more")});
  EXPECT_EQ(effects->at(0).count, 0);
  EXPECT_EQ(effects->at(0).bytes, 9);
  effects = hints.Commit({RemoveHint(2, "a", "one and more"), RemoveHint(2, "a", "one and more")});
  EXPECT_EQ(effects->at(0).count, -1);
  EXPECT_FALSE(effects->at(1).took_effect) << "gone already";
  EXPECT_EQ(hints.store->figures().hints, 0u);
  EXPECT_EQ(hints.store->figures().bytes, 0u);
}

// P16: a hint that was merged while the older one was in flight stays. Against a removal that doesn't compare this
// fails.
TEST_F(HintStoreTest, ARemovalComparesInTheCommitItself) {
  ASSERT_TRUE(hints.Commit({PutHint(2, "a", "old")}).ok());
  // All in one group, handed in before any of it is written.
  int answered = 0;
  auto count = [&answered](auto) { ++answered; };
  hints.store->Commit({PutHint(2, "a", "newer")}, hints.base.loop, count);
  hints.store->Commit({RemoveHint(2, "a", "old")}, hints.base.loop, count);
  hints.Settle();
  EXPECT_EQ(answered, 2);
  EXPECT_EQ(hints.Get(2, "a"), "newer");
  // And over groups.
  EXPECT_FALSE(hints.Commit({RemoveHint(2, "a", "old")})->at(0).took_effect);
  EXPECT_EQ(hints.Get(2, "a"), "newer");
  EXPECT_TRUE(hints.Commit({RemoveHint(2, "a", "newer"), PutHint(2, "a", "last")})->at(0).took_effect);
  EXPECT_EQ(hints.Get(2, "a"), "last") << "in the order of the steps";
}

TEST_F(HintStoreTest, PagesByTargetInOrderOfItsPartitions) {
  std::vector<HintChange> changes;
  for (int i = 0; i < 50; ++i) changes.push_back(PutHint(2 + i % 3, absl::StrCat("key", i), absl::StrCat("v", i)));
  ASSERT_TRUE(hints.Commit(std::move(changes)).ok());
  for (int shards : {1, 4}) {
    size_t found = 0;
    for (int shard = 0; shard < shards; ++shard) {
      HintStore::PageQuery query{
          .target = MemberId(3), .shard = shard, .shards = shards, .bytes_max = 200, .items_max = 3};
      PartitionId last;
      for (bool done = false; !done;) {
        auto page = hints.ReadPage(query);
        ASSERT_TRUE(page.ok());
        ASSERT_LE(page->items.size(), 3u);
        for (const auto& [key, hint] : page->items) {
          EXPECT_EQ(key.target, MemberId(3));
          EXPECT_EQ(key.record.partition.value() % shards, shard);
          EXPECT_GE(key.record.partition, last);
          last = key.record.partition;
          ++found;
        }
        done = page->done;
        query.cursor = page->cursor;
      }
    }
    EXPECT_EQ(found, 17u) << shards << " shards";
  }
}

// H20: a node that restarts knows for whom it holds what.
TEST_F(HintStoreTest, AnOpenCountsWhatIsThere) {
  ASSERT_TRUE(hints.Commit({PutHint(2, "a", "one"), PutHint(3, "a", "two"), PutHint(2, "b", "three")}).ok());
  const HintStoreFigures before = hints.store->figures();
  hints.Close();
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.store->figures().hints, 3u);
  EXPECT_EQ(hints.store->figures().bytes, before.bytes);
  ASSERT_EQ(hints.store->census().size(), 3u);
  uint64_t bytes = 0, for_two = 0;
  for (const HintStore::Census& entry : hints.store->census()) {
    bytes += entry.bytes;
    for_two += entry.target == MemberId(2) ? entry.count : 0;
  }
  EXPECT_EQ(bytes, before.bytes);
  EXPECT_EQ(for_two, 2u);
}

TEST_F(HintStoreTest, ABrokenHintIsSetAsideByTheOpenAndHarmsNoOther) {
  ASSERT_TRUE(hints.Commit({PutHint(2, "a", "one"), PutHint(2, "b", "two")}).ok());
  const std::string key = EncodeHintKey(HintFor(2, "a"));
  Plant(key, EncodeStoredHint(EncodeHintKey(HintFor(2, "c")), {.object = "under a wrong key"}));
  Plant("garbage", "of no form");
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.base.tracer.Count("HintBroken"), 2);
  EXPECT_EQ(hints.store->figures().set_aside, 2u);
  EXPECT_EQ(hints.Get(2, "a"), "(absent)");
  EXPECT_EQ(hints.Get(2, "b"), "two");
  EXPECT_EQ(hints.store->figures().hints, 1u);
  hints.Close();
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.base.tracer.Count("HintBroken"), 2) << "once is enough";
}

TEST(HintFormatTest, StaysWhatItIs) {
  const HintKey key{MemberId(7), {PartitionOf("123456789"), BucketId(1), "123456789"}};
  const std::string bytes = EncodeHintKey(key);
  EXPECT_EQ(bytes, std::string("\0\0\0\x07\x31\xc3\0\0\0\x01", 10) + "123456789");
  EXPECT_EQ(*DecodeHintKey(bytes), key);
  const StoredHint hint{.object = "object", .needed = 2, .era = 0, .stored_at_ms = 5};
  const std::string value = EncodeStoredHint(bytes, hint);
  EXPECT_EQ(value.size() + bytes.size(), HintBytes(key, hint));
  auto decoded = DecodeStoredHint(bytes, value);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->object, "object");
  EXPECT_EQ(decoded->needed, 2u);
  EXPECT_EQ(decoded->stored_at_ms, 5);
}

TEST(HintFormatTest, EveryFlippedBitAndEveryCutIsSeen) {
  const std::string key = EncodeHintKey(HintFor(2, "a"));
  const std::string value = EncodeStoredHint(key, {.object = "object", .needed = 3, .stored_at_ms = 77});
  for (size_t i = 0; i < value.size(); ++i) {
    EXPECT_FALSE(DecodeStoredHint(key, value.substr(0, i)).ok()) << "cut at " << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = value;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_FALSE(DecodeStoredHint(key, flipped).ok()) << "byte " << i;
    }
  }
  for (std::string bad : {"", "abc", "\0\0\0\0\0\0\0\0\0\1k"}) EXPECT_FALSE(DecodeHintKey(bad).ok());
}

// P36: a failed sync is final, and what was acknowledged is there afterwards.
TEST_F(HintStoreTest, AFailedSyncIsFinal) {
  ASSERT_TRUE(hints.Commit({PutHint(2, "a", "one")}).ok());
  bool failed = false;
  hints.base.plan = [&failed](const SimIo& io) {
    if (failed || io.kind != sim::SimIoKind::kSync || !io.path.ends_with(".log")) return SimFault::kNone;
    failed = true;
    return SimFault::kError;
  };
  EXPECT_FALSE(hints.Commit({PutHint(2, "b", "two")}).ok());
  EXPECT_FALSE(hints.Commit({PutHint(2, "c", "three")}).ok());
  EXPECT_FALSE(hints.store->health().ok());
  EXPECT_EQ(hints.base.fatal.size(), 1u);
  hints.base.plan = nullptr;
  hints.Crash(1);
  ASSERT_TRUE(hints.Open().ok());
  EXPECT_EQ(hints.Get(2, "a"), "one");
}

TEST_F(HintStoreTest, TwoProcessesCantShareIt) {
  auto second = OpenHintStore(hints.base.options, hints.base.workers, hints.base.tracer, [](absl::Status) {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace henge::storage_test
