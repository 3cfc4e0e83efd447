#include "client/bench/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace henge::bench {
namespace {

TEST(WorkloadTest, KeysHaveOneLengthAndSpellTheirIndex) {
  EXPECT_EQ(KeyName("bench:", 0), "bench:000000000000");
  EXPECT_EQ(KeyName("bench:", 1234567), "bench:000001234567");
  EXPECT_EQ(KeyName("", 999'999'999'999), "999999999999");
}

TEST(WorkloadTest, ReadShareIsKept) {
  const ValuePool values({16, 16}, 1);
  const auto keys = MakeKeyDistribution(KeyPattern::kUniform, 100, 0.99);
  for (double share : {0.0, 0.25, 1.0}) {
    MixedOps ops(share, *keys, values);
    Rng rng(5);
    int gets = 0;
    for (int i = 0; i < 100'000; ++i) gets += ops.Next(rng).kind == OpKind::kGet ? 1 : 0;
    EXPECT_NEAR(gets, share * 100'000, share == 0 || share == 1 ? 0 : 1000);
  }
}

TEST(WorkloadTest, ValueSizesFillTheirRangeAndDiffer) {
  const ValuePool values({10, 13}, 1);
  Rng rng(5);
  std::set<size_t> sizes;
  std::set<std::string> contents;
  for (int i = 0; i < 1000; ++i) {
    const std::string_view value = values.Next(rng);
    sizes.insert(value.size());
    contents.emplace(value);
  }
  EXPECT_EQ(sizes, (std::set<size_t>{10, 11, 12, 13}));
  EXPECT_GT(contents.size(), 990u);
}

TEST(WorkloadTest, LargestValuesStayInsideThePool) {
  const ValuePool values({1 << 20, 1 << 20}, 1);
  Rng rng(5);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(values.Next(rng).size(), size_t{1} << 20);
}

TEST(WorkloadTest, PrefillWritesEveryKeyOnce) {
  const ValuePool values({16, 16}, 1);
  PrefillOps ops(values);
  Rng rng(5);
  for (uint64_t i = 0; i < 1000; ++i) {
    const Op op = ops.Next(rng);
    EXPECT_EQ(op.kind, OpKind::kPut);
    EXPECT_EQ(op.index, i);
  }
}

TEST(WorkloadTest, ASeedRepeatsItsOperations) {
  const ValuePool values({16, 64}, 1);
  const auto keys = MakeKeyDistribution(KeyPattern::kZipfian, 1000, 0.99);
  MixedOps ops(0.5, *keys, values);
  Rng a(9), b(9), other(10);
  int same_as_other = 0;
  for (int i = 0; i < 1000; ++i) {
    const Op left = ops.Next(a), right = ops.Next(b);
    ASSERT_EQ(left.index, right.index);
    ASSERT_EQ(left.kind, right.kind);
    ASSERT_EQ(left.value, right.value);
    same_as_other += ops.Next(other).index == left.index ? 1 : 0;
  }
  EXPECT_LT(same_as_other, 200);
}

}  // namespace
}  // namespace henge::bench
