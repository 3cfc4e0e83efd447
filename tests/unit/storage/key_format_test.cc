#include "storage/key_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "storage/text.h"

namespace henge {
namespace {

RecordKey KeyOf(std::string key, uint32_t bucket) { return {PartitionOf(key), BucketId(bucket), key}; }

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslText(bytes)); }

// The format stands: these bytes are on disks.
TEST(KeyFormatTest, StorageKeysHaveTheBytesOfTheFormat) {
  EXPECT_EQ(Hex(StorageKey(KeyOf("123456789", 1))), "31c3ca00000001313233343536373839");
  EXPECT_EQ(Hex(StorageKey(KeyOf("user:{42}:name", 0x01020304))), "1f404a01020304757365723a7b34327d3a6e616d65");
  EXPECT_EQ(Hex(StorageKey(KeyOf(std::string("\0\xff", 2), 7))), "1ef0460000000700ff");
  EXPECT_EQ(Hex(MetaKey("store_id")), "ff6d6574612f73746f72655f6964");
  EXPECT_EQ(Hex(PartitionBegin(PartitionId(0x1234))), "1234");
  EXPECT_EQ(Hex(PartitionEnd(PartitionId(16383))), "4000");
}

TEST(KeyFormatTest, ParsingGivesBackTheKey) {
  for (const RecordKey& key : {KeyOf("a", 1), KeyOf(std::string(4096, 'k'), 0xffffffff), KeyOf("{tag}x", 3)}) {
    absl::StatusOr<RecordKey> parsed = ParseStorageKey(StorageKey(key));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, key);
  }
}

TEST(KeyFormatTest, AKeyUnderAWrongPartitionOrSegmentIsRefused) {
  std::string bytes = StorageKey(KeyOf("123456789", 1));
  for (size_t at : {0, 1, 2}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(ParseStorageKey(damaged).status().code(), absl::StatusCode::kDataLoss) << at;
  }
  EXPECT_EQ(ParseStorageKey(bytes.substr(0, 6)).status().code(), absl::StatusCode::kDataLoss);
}

TEST(KeyFormatTest, ByteOrderIsPartitionSegmentBucketKey) {
  std::vector<std::pair<std::string, std::tuple<uint16_t, uint8_t, uint32_t, std::string>>> keys;
  for (uint32_t i = 0; i < 3000; ++i) {
    // Few partitions and buckets, so that every part of the key decides somewhere; bytes beyond 0x7f too.
    RecordKey key = KeyOf(absl::StrCat("{t", i % 3, "}", i, i % 2 == 0 ? "\xf0" : ""), 1 + i % 2 * 255);
    keys.emplace_back(StorageKey(key), std::make_tuple(key.partition.value(), SegmentOf(key.bucket, key.key),
                                                       key.bucket.value(), key.key));
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_TRUE(
      std::is_sorted(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.second < b.second; }));
}

TEST(KeyFormatTest, APartitionIsOneRangeAndMetadataLiesBehindAll) {
  RecordKey key = KeyOf("{a}1", 0xffffffff);
  EXPECT_LE(PartitionBegin(key.partition), StorageKey(key));
  EXPECT_LT(StorageKey(key), PartitionEnd(key.partition));
  EXPECT_EQ(PartitionEnd(PartitionId(7)), PartitionBegin(PartitionId(8)));
  EXPECT_LT(PartitionEnd(PartitionId(16383)), MetaKey(""));
}

}  // namespace
}  // namespace henge
