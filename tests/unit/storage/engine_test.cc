// The engine in good times: what is committed is read, in one sync for all that gathered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimIoKind;
using ::testing::ElementsAre;

TEST(RocksEngineTest, WhatIsCommittedIsRead) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  Mark mark{Lifetime(7), 1, 9};
  ASSERT_TRUE(store.Commit({Item("a", "one", mark), Item("b", "two")}).ok());
  StoreEngine::ReadResult a = store.ReadCached(Key("a"));
  ASSERT_TRUE(a.ok() && a->has_value());
  EXPECT_EQ((*a)->object, "one");
  EXPECT_EQ((*a)->mark, mark);
  EXPECT_EQ((*a)->written_at_ms, 1'700'000'000'000);
  EXPECT_EQ(store.Get("b"), "two");
  EXPECT_EQ(store.Get("c"), "(absent)");
  EXPECT_EQ(store.Read(Key("a", 2))->has_value(), false) << "another bucket is another record";
}

TEST(RocksEngineTest, BatchesThatGatheredAreOneSyncAndOnePostPerLoop) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  ManualLoop other;
  std::vector<std::string> order;
  auto done = [&order](std::string name) {
    return [&order, name](const absl::Status& status, const auto& /*items*/) {
      order.push_back(name + (status.ok() ? "" : " failed"));
    };
  };
  uint64_t syncs = store.Count(SimIoKind::kSync, ".log");
  store.engine->Commit({Item("a", "1")}, store.loop, done("a"));
  store.engine->Commit({Item("x", "1")}, other, done("x"));
  store.engine->Commit({Item("b", "1"), Item("a", "2")}, store.loop, done("b"));
  store.Settle();
  EXPECT_EQ(store.Count(SimIoKind::kSync, ".log") - syncs, 1);
  EXPECT_EQ(store.loop.posts, 1);
  EXPECT_EQ(other.posts, 1);
  EXPECT_THAT(order, ElementsAre("a", "b"));
  other.RunTurn();
  EXPECT_THAT(order, ElementsAre("a", "b", "x"));
  EXPECT_EQ(store.Get("a"), "2") << "later batches win";
  EXPECT_EQ(store.engine->figures().commits, 1);
  EXPECT_EQ(store.engine->figures().records, 3) << "of \"a\" the last one stands for both";
}

TEST(RocksEngineTest, AGroupBeyondItsBoundIsCut) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  int durable = 0;
  for (int i = 0; i < 20; ++i) {
    store.engine->Commit(
        {Item(absl::StrCat("k", i), std::string(1 << 20, 'v'))}, store.loop,
        [&durable](const absl::Status& status, const auto& /*items*/) { durable += status.ok() ? 1 : 0; });
  }
  store.Settle();
  EXPECT_EQ(durable, 20);
  EXPECT_GE(store.engine->figures().commits, 3);
  EXPECT_LE(store.engine->figures().commits, 4);
}

// P11: visible implies durable, so that a read answer never shows what a crash could take back.
TEST(RocksEngineTest, NothingIsVisibleBeforeItIsSynced) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  ASSERT_TRUE(store.Put("a", "old").ok());
  bool looked = false;
  store.plan = [&](const sim::SimIo& io) {
    if (io.kind == SimIoKind::kSync && io.path.ends_with(".log") && !looked) {
      looked = true;
      StoreEngine::ReadResult during = store.ReadCached(Key("a"));
      EXPECT_TRUE(during.ok() && during->has_value() && (*during)->object == "old");
    }
    return sim::SimFault::kNone;
  };
  ASSERT_TRUE(store.Put("a", "new").ok());
  EXPECT_TRUE(looked);
  EXPECT_EQ(store.Get("a"), "new");
}

TEST(RocksEngineTest, AReadThatMayNotBlockSaysThatItNeedsTheDisk) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(store.Put(absl::StrCat("key", i), std::string(100, 'v')).ok());
  ASSERT_FALSE(store.Files(".sst").empty()) << "the memtable was to be flushed";
  for (int i = 0; i < 2; ++i) {  // the first open makes tables, and keeps them in its cache
    store.Close();
    ASSERT_TRUE(store.Open().ok());
  }
  EXPECT_EQ(store.ReadCached(Key("key0")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store.Get("key0"), std::string(100, 'v'));
  EXPECT_TRUE(store.ReadCached(Key("key0")).ok()) << "now it is cached";
  StoreEngine::ReadResult absent = store.ReadCached(Key("no such key"));
  EXPECT_TRUE(absent.ok() && !absent->has_value()) << "the filters are always in memory";
}

TEST(RocksEngineTest, LargeRecordsGoToBlobFilesAndComeBack) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  std::string large(100'000, 'L');
  ASSERT_TRUE(store.Commit({Item("large", large), Item("small", "s")}).ok());
  store.Close();
  ASSERT_TRUE(store.Open().ok());
  EXPECT_FALSE(store.Files(".blob").empty());
  EXPECT_EQ(store.ReadCached(Key("large")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store.Get("large"), large);
  EXPECT_EQ(store.Get("small"), "s");
}

TEST(RocksEngineTest, ScanPagesThroughAPartitionInStorageOrder) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  std::vector<CommitItem> items;
  for (int i = 0; i < 100; ++i) items.push_back(Item(absl::StrCat("{t}", i), absl::StrCat("v", i)));
  items.push_back(Item("elsewhere", "not in it"));
  ASSERT_TRUE(store.Commit(std::move(items)).ok());
  PartitionId partition = PartitionOf("{t}");
  std::vector<std::string> seen;
  std::string cursor;
  int pages = 0;
  for (bool done = false; !done; ++pages) {
    absl::StatusOr<StoreEngine::Page> page = store.Scan(partition, cursor, 500);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const auto& [key, record] : page->items) {
      seen.push_back(absl::StrCat(SegmentOf(key.bucket, key.key), "/", key.key));
      EXPECT_EQ(record.object, "v" + key.key.substr(3));
    }
    cursor = page->cursor;
    done = page->done;
  }
  EXPECT_EQ(seen.size(), 100);
  EXPECT_GT(pages, 5);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(),
                             [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); }));
  EXPECT_EQ(store.Scan(PartitionId(partition.value() + 1), cursor, 500).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RocksEngineTest, MetadataStandsBesideTheRecords) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(*store.engine->ReadMeta("cluster"), std::nullopt);
  ASSERT_TRUE(store.engine->WriteMeta("cluster", "state").ok());
  StoreId id = store.engine->store_id();
  EXPECT_NE(id.value(), 0);
  store.Crash(1);
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(*store.engine->ReadMeta("cluster"), "state");
  EXPECT_EQ(store.engine->store_id(), id);
  SimStore another(2);
  ASSERT_TRUE(another.Open().ok());
  EXPECT_NE(another.engine->store_id(), id);
}

TEST(RocksEngineTest, MetadataOfALoopIsCommittedWithItsRecords) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  std::vector<absl::Status> answers;
  auto answer = [&](absl::Status status) { answers.push_back(std::move(status)); };
  store.engine->Commit({Item("a", "1")}, store.loop,
                       [&](absl::Status status, const auto& /*items*/) { answer(std::move(status)); });
  store.engine->CommitMeta("ceiling", "1", store.loop, answer);
  store.engine->CommitMeta("ceiling", "2", store.loop, answer);
  EXPECT_TRUE(store.engine->Close().ok());
  store.loop.RunTurn();
  EXPECT_EQ(answers, std::vector<absl::Status>(3));
  store.Crash(1);
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(*store.engine->ReadMeta("ceiling"), "2");
  EXPECT_EQ(store.Get("a"), "1");
}

TEST(RocksEngineTest, ABatchComesBackAsItWasHandedIn) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  ManualLoop other;
  std::vector<std::string> back;
  bool healthy = true;
  auto note = [&](const absl::Status& status, const std::vector<CommitItem>& items) {
    EXPECT_EQ(status.ok(), healthy) << status;
    for (const CommitItem& item : items) back.push_back(item.key.key + "=" + item.record.object);
  };
  store.engine->Commit({Item("b", "1"), Item("a", "2")}, store.loop, note);
  store.engine->Commit({Item("x", "1")}, other, note);
  store.engine->Commit({Item("b", "3")}, store.loop, note);
  store.Settle();
  EXPECT_THAT(back, ElementsAre("b=1", "a=2", "b=3"));
  other.RunTurn();
  EXPECT_THAT(back, ElementsAre("b=1", "a=2", "b=3", "x=1"));
  healthy = false;
  back.clear();
  store.files->Freeze();
  store.engine->Commit({Item("c", "1"), Item("b", "4")}, store.loop, note);
  store.Settle();
  EXPECT_THAT(back, ElementsAre("c=1", "b=4"));
}

TEST(RocksEngineTest, ClosingHandlesWhatWasHandedIn) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  absl::Status committed = absl::UnknownError("not answered");
  store.engine->Commit({Item("a", "1")}, store.loop,
                       [&](absl::Status status, const auto& /*items*/) { committed = std::move(status); });
  EXPECT_TRUE(store.engine->Close().ok());
  store.loop.RunTurn();
  EXPECT_TRUE(committed.ok());
  store.Close();
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(store.Get("a"), "1");
}

TEST(StoreEngine, GivesMemoryBackWhenNothingIsAskedFor) {
  SimStore store;
  store.options.write_buffer_bytes = size_t{32} << 20;
  ASSERT_TRUE(store.Open().ok());
  auto rest = [&store] {
    store.engine->RestIfIdle();
    store.Settle();
  };
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store.Put(absl::StrCat("k", i), std::string(60'000, 'v')).ok());
  const uint64_t before = store.engine->figures().memory_bytes;
  rest();
  EXPECT_TRUE(store.Files(".sst").empty()) << "it was in use a moment ago";
  rest();
  EXPECT_EQ(store.Files(".sst").size(), 1u);
  EXPECT_LT(store.engine->figures().memory_bytes + (2u << 20), before);
  EXPECT_EQ(store.Get("k7"), std::string(60'000, 'v'));
  rest();
  EXPECT_TRUE(store.Put("small", "v").ok());
  rest();
  rest();
  rest();
  EXPECT_EQ(store.Files(".sst").size(), 1u) << "a few bytes are not worth a table";
  EXPECT_EQ(store.Get("small"), "v");
}

}  // namespace
}  // namespace henge::storage_test
