#include "client/bench/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/bench/random.h"

namespace henge::bench {
namespace {

constexpr double kPercents[] = {0, 1, 25, 50, 90, 95, 99, 99.9, 99.99, 100};

// The definition, on all values.
int64_t ExactPercentile(const std::vector<int64_t>& sorted, double percent) {
  const auto rank =
      std::max<size_t>(1, static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size()))));
  return sorted[rank - 1];
}

void ExpectNear(const Histogram& histogram, std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  ASSERT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.max(), values.back());
  for (double percent : kPercents) {
    const int64_t exact = ExactPercentile(values, percent);
    const int64_t got = histogram.Percentile(percent);
    EXPECT_GE(got, exact) << percent;
    EXPECT_LE(got, exact + exact / 256) << percent;
  }
}

TEST(HistogramTest, PercentilesAgreeWithSortedValuesAtEveryMagnitude) {
  Rng rng(1);
  for (int bits = 1; bits <= 42; ++bits) {
    Histogram histogram;
    std::vector<int64_t> values;
    for (int i = 0; i < 5000; ++i) {
      values.push_back(static_cast<int64_t>(rng.Below(uint64_t{1} << bits)));
      histogram.Record(values.back());
    }
    SCOPED_TRACE(bits);
    ExpectNear(histogram, values);
  }
}

TEST(HistogramTest, PercentilesAgreeOnALongTail) {
  Rng rng(2);
  Histogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 200'000; ++i) {
    values.push_back(static_cast<int64_t>(50'000 * std::pow(1 - rng.Fraction(), -1.5)));
    values.back() = std::min<int64_t>(values.back(), (int64_t{1} << 42) - 1);
    histogram.Record(values.back());
  }
  ExpectNear(histogram, values);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t value = 0; value < 512; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.Percentile(50), 255);
  EXPECT_EQ(histogram.Percentile(100), 511);
  EXPECT_DOUBLE_EQ(histogram.mean(), 255.5);
}

TEST(HistogramTest, AMergeEqualsOneHistogramOfAll) {
  Rng rng(3);
  Histogram all, left, right;
  for (int i = 0; i < 10'000; ++i) {
    const auto value = static_cast<int64_t>(rng.Below(uint64_t{1} << rng.Below(40)));
    all.Record(value);
    (i % 3 == 0 ? left : right).Record(value);
  }
  left.Merge(right);
  left.Merge(Histogram());
  EXPECT_EQ(left.count(), all.count());
  EXPECT_EQ(left.min(), all.min());
  EXPECT_EQ(left.max(), all.max());
  EXPECT_NEAR(left.mean(), all.mean(), all.mean() * 1e-9);
  for (double percent : kPercents) EXPECT_EQ(left.Percentile(percent), all.Percentile(percent)) << percent;
}

TEST(HistogramTest, AnEmptyHistogramIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Percentile(99), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(HistogramTest, ValuesOutsideTheRangeAreClamped) {
  Histogram histogram;
  histogram.Record(-5);
  histogram.Record(INT64_MAX);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), (int64_t{1} << 42) - 1);
  EXPECT_EQ(histogram.count(), 2u);
}

}  // namespace
}  // namespace henge::bench
