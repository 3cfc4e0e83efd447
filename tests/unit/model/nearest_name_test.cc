#include "core/model/nearest_name.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

const std::vector<std::string> kKnown = {"status", "scan", "get", "put", "import"};

TEST(NearestNameTest, FindsWhatWasMeant) {
  EXPECT_EQ(NearestName("statsu", kKnown), "status");
  EXPECT_EQ(NearestName("gte", kKnown), "get");
  EXPECT_EQ(NearestName("improt", kKnown), "import");
  EXPECT_EQ(NearestName("get", kKnown), "get");
}

TEST(NearestNameTest, OffersNothingForWhatIsLikeNothing) {
  EXPECT_EQ(NearestName("frobnicate", kKnown), "");
  EXPECT_EQ(NearestName("", kKnown), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

}  // namespace
}  // namespace henge
