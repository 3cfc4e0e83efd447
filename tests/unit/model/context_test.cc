#include "core/model/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/model/limits.h"
#include "tests/unit/model/model_samples.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

constexpr ClusterId kCluster(7);
constexpr BucketId kBucket(1);

Context Sample() { return {.vv = VvOf({DotOf(1, 5), DotOf(2, 300)}), .hlc_max = 99}; }
std::string Sealed() { return SealContext(Sample(), kCluster, kBucket, "key"); }

void ExpectRefused(const absl::StatusOr<Context>& opened, const std::string& why, const std::string& what_to_do) {
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr(why));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr(what_to_do));
}

TEST(ContextTest, ComesBack) {
  for (const Context& context : {Sample(), Context(), Context{.hlc_max = 1}}) {
    const auto opened = OpenContext(SealContext(context, kCluster, kBucket, "key"), kCluster, kBucket, "key");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, context);
  }
}

TEST(ContextTest, NoContextIsTheEmptyOne) {
  const auto opened = OpenContext("", kCluster, kBucket, "key");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(*opened, Context());
}

TEST(ContextTest, AnotherKeyBucketOrClusterIsNamed) {
  ExpectRefused(OpenContext(Sealed(), kCluster, kBucket, "kez"), "another key", "the key that is written");
  ExpectRefused(OpenContext(Sealed(), kCluster, BucketId(2), "key"), "another key", "the key that is written");
  ExpectRefused(OpenContext(Sealed(), ClusterId(8), kBucket, "key"), "another cluster",
                "read the key from this cluster");
}

TEST(ContextTest, EveryTruncationAndFlippedBitIsCorrupt) {
  const std::string sealed = Sealed();
  for (size_t size = 1; size < sealed.size(); ++size) {
    ExpectRefused(OpenContext(sealed.substr(0, size), kCluster, kBucket, "key"), "truncated or corrupt", "unchanged");
  }
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ExpectRefused(OpenContext(flipped, kCluster, kBucket, "key"), "truncated or corrupt", "unchanged");
  }
  ExpectRefused(OpenContext(sealed + "x", kCluster, kBucket, "key"), "truncated or corrupt", "unchanged");
}

TEST(ContextTest, TooLongIsRefusedByItsLength) {
  const std::string longest(kContextBytesMax, 'x');
  ExpectRefused(OpenContext(longest, kCluster, kBucket, "key"), "truncated or corrupt", "unchanged");
  ExpectRefused(OpenContext(longest + "x", kCluster, kBucket, "key"), "too long, 8193 bytes", "8192");
}

// What clients hold across upgrades: a change here is a new format version.
TEST(ContextTest, EncodingIsTheDocumentedOne) {
  const std::string sealed = SealContext({.vv = VvOf({DotOf(1, 5)}), .hlc_max = 2}, ClusterId(3), kBucket, "key");
  ASSERT_EQ(sealed.size(), 1u + 8 + 8 + 8 + 1 + 18 + 8);
  EXPECT_EQ(sealed.substr(0, 9), std::string("\x01\x03\x00\x00\x00\x00\x00\x00\x00", 9));
  EXPECT_EQ(sealed.substr(17, 10), std::string("\x02\x00\x00\x00\x00\x00\x00\x00\x01\x01", 10));
}

}  // namespace
}  // namespace henge
