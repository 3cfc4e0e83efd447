#include "node/scan_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/limits.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

constexpr ClusterId kCluster(11);

TEST(ScanCursor, SurvivesTheClient) {
  for (const ScanCursor& cursor :
       {ScanCursor{0, ""}, ScanCursor{17, std::string("\0\xff key", 6)}, ScanCursor{kPartitionCount, ""}}) {
    auto opened = OpenScanCursor(SealScanCursor(cursor, kCluster), kCluster);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, cursor);
  }
}

TEST(ScanCursor, NoneIsTheStartOfTheRing) { EXPECT_EQ(*OpenScanCursor("", kCluster), ScanCursor{}); }

TEST(ScanCursor, OfAnotherClusterIsRefused) {
  const auto opened = OpenScanCursor(SealScanCursor({3, "k"}, ClusterId(12)), kCluster);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(opened.status().message(), HasSubstr("another cluster"));
}

TEST(ScanCursor, EveryChangeOfOneByteAndEveryCutIsRefused) {
  const std::string sealed = SealScanCursor({300, "some key"}, kCluster);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string spoiled = sealed;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x40);
    EXPECT_EQ(OpenScanCursor(spoiled, kCluster).status().code(), absl::StatusCode::kInvalidArgument) << i;
    if (i > 0) {
      EXPECT_FALSE(OpenScanCursor(sealed.substr(0, i), kCluster).ok()) << i;
    }
  }
  EXPECT_FALSE(OpenScanCursor(sealed + "x", kCluster).ok());
}

}  // namespace
}  // namespace henge
