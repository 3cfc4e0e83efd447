#include "storage/record_cache.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "core/runtime/xoshiro.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

StoredRecord Record(std::string object) { return {std::move(object), std::nullopt, 7}; }

std::string Found(RecordCache& cache, const std::string& key) {
  const StoredRecord* record = cache.Find(Key(key));
  return record == nullptr ? "(none)" : record->object;
}

TEST(RecordCacheTest, KeepsTheNewestOfAKey) {
  RecordCache cache(1 << 20);
  EXPECT_EQ(Found(cache, "k"), "(none)");
  cache.Put(Key("k"), Record("v1"));
  cache.Put(Key("k"), Record("v2"));
  EXPECT_EQ(Found(cache, "k"), "v2");
  EXPECT_EQ(cache.size(), 1);
  EXPECT_EQ(cache.Find(Key("k", 2)), nullptr) << "another bucket";
  cache.Erase(Key("k"));
  EXPECT_EQ(Found(cache, "k"), "(none)");
  EXPECT_EQ(cache.bytes(), 0);
  cache.Erase(Key("k"));
}

TEST(RecordCacheTest, ZeroBytesKeepNothing) {
  RecordCache cache(0);
  cache.Put(Key("k"), Record("v"));
  EXPECT_EQ(Found(cache, "k"), "(none)");
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(RecordCacheTest, WhatIsUsedOutlivesWhatIsNot) {
  RecordCache cache(64 << 10);
  cache.Put(Key("used"), Record("v"));
  for (int i = 0; i < 1000; ++i) {
    cache.Put(Key(absl::StrCat("passing", i)), Record(std::string(200, 'x')));
    ASSERT_EQ(Found(cache, "used"), "v") << i;
    ASSERT_LE(cache.bytes(), 64 << 10);
  }
  EXPECT_GT(cache.size(), 50);
  EXPECT_EQ(Found(cache, "passing0"), "(none)");
  EXPECT_NE(Found(cache, "passing999"), "(none)");
}

TEST(RecordCacheTest, OneLargeRecordDoesNotDriveOutTheRest) {
  RecordCache cache(64 << 10);
  cache.Put(Key("small"), Record("v"));
  cache.Put(Key("large"), Record(std::string(60 << 10, 'x')));
  EXPECT_EQ(Found(cache, "small"), "v");
  EXPECT_EQ(Found(cache, "large"), "(none)");
  // Nor does it leave its key with what it replaced.
  cache.Put(Key("small"), Record(std::string(60 << 10, 'x')));
  EXPECT_EQ(Found(cache, "small"), "(none)");
}

TEST(RecordCacheTest, AReplacedRecordCountsForWhatItIs) {
  RecordCache cache(64 << 10);
  cache.Put(Key("k"), Record(std::string(1000, 'x')));
  const size_t before = cache.bytes();
  cache.Put(Key("k"), Record(std::string(3000, 'x')));
  EXPECT_EQ(cache.bytes(), before + 2000);
  EXPECT_EQ(cache.size(), 1);
  cache.Put(Key("k"), Record(std::string(1000, 'x')));
  EXPECT_EQ(cache.bytes(), before);
  cache.Erase(Key("k"));
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(RecordCacheTest, WhereARecordWasLastSeenIsOnlyAHint) {
  RecordCache cache(64 << 10);
  cache.Put(Key("a"), Record("a1"));
  RecordCache::Place place = RecordCache::kNoPlace;
  ASSERT_NE(cache.Find(Key("a"), &place), nullptr);
  cache.Put(Key("a"), Record("a2"), place);
  EXPECT_EQ(Found(cache, "a"), "a2");
  cache.Erase(Key("a"));
  cache.Put(Key("a"), Record("a3"), place);
  EXPECT_EQ(Found(cache, "a"), "a3") << "the place was free";
  cache.Erase(Key("a"));
  cache.Put(Key("b"), Record("b1"));
  cache.Put(Key("a"), Record("a4"), place);
  EXPECT_EQ(Found(cache, "a"), "a4");
  EXPECT_EQ(Found(cache, "b"), "b1") << "the place was another's";
  cache.Put(Key("b"), Record("b2"), place + 1000);
  EXPECT_EQ(Found(cache, "b"), "b2");
  EXPECT_EQ(cache.size(), 2);
  ASSERT_NE(cache.Find(Key("b"), &place), nullptr);
  cache.Put(Key("b"), Record(std::string(60 << 10, 'x')), place);
  EXPECT_EQ(Found(cache, "b"), "(none)") << "too large to be kept, and what it replaces is gone";
}

// Against a map that forgets nothing: what is found is the newest, and the bound holds at each step.
TEST(RecordCacheTest, RandomUseAgreesWithAMap) {
  RecordCache cache(16 << 10);
  std::map<std::string, std::string> newest;
  std::map<std::string, RecordCache::Place> last_seen;  // seldom asked again, so most are out of date
  Xoshiro random(42);
  int hits = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string key = absl::StrCat("k", random.Below(60));
    switch (random.Below(8)) {
      case 0:
        cache.Erase(Key(key));
        newest.erase(key);
        break;
      case 1:
      case 2: {
        std::string value = absl::StrCat(i, std::string(random.Below(900), 'x'));
        if (random.Below(4) == 0) cache.Find(Key(key), &last_seen[key]);
        cache.Put(Key(key), Record(value), last_seen.try_emplace(key, RecordCache::kNoPlace).first->second);
        newest[key] = std::move(value);
        break;
      }
      default:
        if (const std::string found = Found(cache, key); found != "(none)") {
          ++hits;
          ASSERT_TRUE(newest.contains(key));
          ASSERT_EQ(found, newest[key]);
        }
    }
    ASSERT_LE(cache.bytes(), 16 << 10);
  }
  EXPECT_GT(hits, 1000);
}

}  // namespace
}  // namespace henge::storage_test
