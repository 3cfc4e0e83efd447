#include <gtest/gtest.h>

#include "henge/client.h"

namespace henge {
namespace {

TEST(ResolversTest, LongestWinsAndTiesGoByBytes) { EXPECT_EQ(*ResolveByLongest()({"aa", "b", "ab"}), "ab"); }

TEST(ResolversTest, MaxIsTheGreatestByBytes) { EXPECT_EQ(*ResolveByMax()({"b", "a\xff", "aa"}), "b"); }

TEST(ResolversTest, UnionOfLinesIsSortedAndHasEachOnce) {
  EXPECT_EQ(*ResolveByUnionOfLines()({"milk\neggs\n", "tea\nmilk"}), "eggs\nmilk\ntea\n");
}

TEST(ResolversTest, FailingSaysWhatToDo) {
  absl::Status status = ResolveByFailing()({"a", "b"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_NE(std::string(status.message()).find("2 concurrent versions"), std::string::npos);
}

}  // namespace
}  // namespace henge
