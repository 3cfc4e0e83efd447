#include "core/model/slot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {
namespace {

// The vectors that the Redis Cluster specification and the CLUSTER KEYSLOT page publish.
TEST(SlotTest, Crc16IsXmodem) {
  EXPECT_EQ(Crc16("123456789"), 0x31c3);
  EXPECT_EQ(Crc16(""), 0);
}

TEST(SlotTest, PublishedKeySlots) {
  EXPECT_EQ(PartitionOf("somekey"), PartitionId(11058));
  EXPECT_EQ(PartitionOf("foo{hash_tag}"), PartitionId(2515));
  EXPECT_EQ(PartitionOf("bar{hash_tag}"), PartitionId(2515));
}

TEST(SlotTest, PublishedHashTags) {
  EXPECT_EQ(HashTag("{user1000}.following"), "user1000");
  EXPECT_EQ(HashTag("{user1000}.followers"), "user1000");
  EXPECT_EQ(HashTag("foo{}{bar}"), "foo{}{bar}") << "an empty first tag: the whole key";
  EXPECT_EQ(HashTag("foo{{bar}}zap"), "{bar");
  EXPECT_EQ(HashTag("foo{bar}{zap}"), "bar");
}

TEST(SlotTest, KeysWithoutAWholeTagAreHashedWhole) {
  for (const char* key : {"", "plain", "open{only", "}close{", "{}", "a}b"}) EXPECT_EQ(HashTag(key), key);
}

TEST(SlotTest, AnyByteMayStandInAKey) {
  const std::string key("\x00\xff{\x00}\xff", 6);
  EXPECT_EQ(HashTag(key), std::string(1, '\0'));
  EXPECT_LT(PartitionOf(key).value(), kPartitionCount);
}

// Where stored records lie: these must never change.
TEST(SlotTest, SegmentsAreGolden) {
  EXPECT_EQ(SegmentOf(BucketId(1), "somekey"), 0x31);
  EXPECT_EQ(SegmentOf(BucketId(2), "somekey"), 0xda);
  EXPECT_EQ(SegmentOf(BucketId(1), ""), 0x26);
}

TEST(SlotTest, SegmentsAreIndependentOfTheTag) {
  // Keys of one tag share a partition; their segments must still spread over all leaves.
  std::vector<int> hits(kSegmentsPerPartition, 0);
  for (int i = 0; i < 25'600; ++i) ++hits[SegmentOf(BucketId(1), absl::StrCat("{tag}", i))];
  for (int count : hits) {
    EXPECT_GT(count, 50);
    EXPECT_LT(count, 150);
  }
}

}  // namespace
}  // namespace henge
