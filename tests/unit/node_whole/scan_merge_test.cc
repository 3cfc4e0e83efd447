#include "node/scan_merge.h"

#include <algorithm>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/slot.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge {
namespace {

ConflictPolicy KeepAll(BucketId) { return ConflictPolicy::kSiblings; }

using coordinator_test::MakeObject;

RecordKey KeyOf(const std::string& name) {
  // One tag: all keys lie in one partition.
  std::string key = "{t}" + name;
  return {PartitionOf(key), BucketId(1), key};
}

bool Before(const RecordKey& a, const RecordKey& b) {
  const auto sa = SegmentOf(a.bucket, a.key);
  const auto sb = SegmentOf(b.bucket, b.key);
  return sa != sb ? sa < sb : a.key < b.key;
}

using Records = std::map<RecordKey, Object, decltype(&Before)>;

// The page that a replica with `records` gives: up to `count` of them after `cursor` (a key).
ScanReply PageOf(const Records& records, const std::string& cursor, size_t count) {
  ScanReply page;
  auto it = cursor.empty() ? records.begin() : records.upper_bound(KeyOf(cursor.substr(3)));
  for (; it != records.end() && page.items.size() < count; ++it) page.items.push_back({it->first, it->second.Encode()});
  page.done = it == records.end();
  if (!page.items.empty()) page.cursor = page.items.back().key.key;
  return page;
}

TEST(ScanMerge, EqualPagesAreOnePage) {
  Records records(&Before);
  records[KeyOf("a")] = MakeObject({{1, 1, "va"}});
  records[KeyOf("b")] = MakeObject({{1, 1, "vb"}});
  auto merged = MergeScanPages({PageOf(records, "", 10), PageOf(records, "", 10)}, KeepAll);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->records.size(), 2u);
  EXPECT_TRUE(merged->done);
}

TEST(ScanMerge, VersionsThatReplicasHoldApartMeet) {
  Records left(&Before);
  Records right(&Before);
  left[KeyOf("a")] = MakeObject({{1, 1, "left"}});
  right[KeyOf("a")] = MakeObject({{2, 1, "right"}});
  auto merged = MergeScanPages({PageOf(left, "", 10), PageOf(right, "", 10)}, KeepAll);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(merged->records.size(), 1u);
  EXPECT_EQ(merged->records[0].object.siblings().size(), 2u);
}

// A page that ends early says nothing about what follows: neither may the merge.
TEST(ScanMerge, StopsAtTheEarliestEnd) {
  Records records(&Before);
  for (int i = 0; i < 10; ++i) records[KeyOf(std::to_string(i))] = MakeObject({{1, 1, "v"}});
  ScanReply shorter = PageOf(records, "", 3);
  const std::string end = shorter.cursor;
  auto merged = MergeScanPages({PageOf(records, "", 10), std::move(shorter), PageOf(records, "", 7)}, KeepAll);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->records.size(), 3u);
  EXPECT_FALSE(merged->done);
  EXPECT_EQ(merged->cursor, end);
}

TEST(ScanMerge, ABrokenRecordIsLeftOutAndCounted) {
  Records records(&Before);
  records[KeyOf("a")] = MakeObject({{1, 1, "v"}});
  ScanReply broken = PageOf(records, "", 1);
  broken.items[0].object = "garbage";
  auto merged = MergeScanPages({PageOf(records, "", 1), broken}, KeepAll);
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->records.size(), 1u);
  EXPECT_EQ(merged->undecodable, 1);
}

TEST(ScanMerge, AnEmptyPageThatIsNotTheLastIsAnError) {
  EXPECT_EQ(MergeScanPages({ScanReply{}}, KeepAll).status().code(), absl::StatusCode::kInternal);
}

// Page by page with random ends, every record of either replica comes exactly once, merged.
TEST(ScanMerge, RandomPagesCoverEverythingOnce) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 300; ++round) {
    Records left(&Before);
    Records right(&Before);
    Records expected(&Before);
    for (int i = 0; i < 30; ++i) {
      const RecordKey key = KeyOf(std::to_string(rng() % 40));
      Records& side = rng() % 2 == 0 ? left : right;
      const Object object = MakeObject({{1 + rng() % 2, 1, "v"}});
      side[key].Merge(object);
      expected[key].Merge(object);
    }
    std::string cursor;
    Records seen(&Before);
    for (bool done = false; !done;) {
      auto merged =
          MergeScanPages({PageOf(left, cursor, 1 + rng() % 5), PageOf(right, cursor, 1 + rng() % 5)}, KeepAll);
      ASSERT_TRUE(merged.ok());
      for (MergedRecord& record : merged->records) {
        ASSERT_TRUE(seen.emplace(record.key, record.object).second) << "twice: " << record.key.key;
      }
      cursor = merged->cursor;
      done = merged->done;
    }
    EXPECT_EQ(seen.size(), expected.size());
    for (const auto& [key, object] : expected) EXPECT_EQ(seen[key], object) << key.key;
  }
}

}  // namespace
}  // namespace henge
