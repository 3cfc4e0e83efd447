#include "client/bench/key_distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <vector>

namespace henge::bench {
namespace {

std::vector<uint64_t> Draw(KeyDistribution& keys, uint64_t n, int draws) {
  Rng rng(7);
  std::vector<uint64_t> counts(n);
  for (int i = 0; i < draws; ++i) {
    const uint64_t index = keys.NextRead(rng);
    if (index < n) ++counts[index];
  }
  return counts;
}

TEST(KeyDistributionTest, UniformHitsEveryKeyEqually) {
  constexpr int kKeys = 100, kDraws = 1'000'000;
  const auto keys = MakeKeyDistribution(KeyPattern::kUniform, kKeys, 0.99);
  for (uint64_t count : Draw(*keys, kKeys, kDraws)) EXPECT_NEAR(count, kDraws / kKeys, 500);
}

TEST(KeyDistributionTest, ZipfRanksFallByTheirPower) {
  constexpr uint64_t kKeys = 1000;
  constexpr int kDraws = 2'000'000;
  constexpr double kTheta = 0.99;
  double zeta = 0;
  for (uint64_t i = 1; i <= kKeys; ++i) zeta += std::pow(static_cast<double>(i), -kTheta);
  const ZipfRank ranks(kKeys, kTheta);
  Rng rng(7);
  std::vector<double> counts(kKeys);
  for (int i = 0; i < kDraws; ++i) ++counts.at(ranks.Next(rng));
  // The first two are exact by construction; the closed form approximates the others.
  EXPECT_NEAR(counts[0] / kDraws, 1 / zeta, 0.002);
  EXPECT_NEAR(counts[1] / kDraws, std::pow(2, -kTheta) / zeta, 0.002);
  double cumulative = 0, expected = 0;
  for (uint64_t i = 0; i < kKeys; ++i) {
    cumulative += counts[i] / kDraws;
    expected += std::pow(static_cast<double>(i + 1), -kTheta) / zeta;
    EXPECT_NEAR(cumulative, expected, 0.02) << "up to rank " << i;
  }
}

TEST(KeyDistributionTest, ZipfianScattersItsRanksWithoutMergingAny) {
  constexpr uint64_t kKeys = 1000;
  const auto keys = MakeKeyDistribution(KeyPattern::kZipfian, kKeys, 0.5);
  const std::vector<uint64_t> counts = Draw(*keys, kKeys, 3'000'000);
  EXPECT_TRUE(std::all_of(counts.begin(), counts.end(), [](uint64_t count) { return count > 0; }));
  // The three most popular keys lie apart.
  std::vector<size_t> order(kKeys);
  for (size_t i = 0; i < kKeys; ++i) order[i] = i;
  std::partial_sort(order.begin(), order.begin() + 3, order.end(),
                    [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  for (int i : {1, 2}) {
    const auto distance = std::abs(static_cast<long>(order[i]) - static_cast<long>(order[i - 1]));
    EXPECT_GT(distance, 100);
  }
}

TEST(KeyDistributionTest, ZipfianStaysInRangeForFewKeys) {
  for (uint64_t n : {1, 2, 3, 4}) {
    const auto keys = MakeKeyDistribution(KeyPattern::kZipfian, n, 0.99);
    Rng rng(1);
    std::map<uint64_t, int> seen;
    for (int i = 0; i < 20'000; ++i) ++seen[keys->NextRead(rng)];
    EXPECT_EQ(seen.size(), n);
    EXPECT_EQ(seen.rbegin()->first, n - 1);
  }
}

TEST(KeyDistributionTest, LatestAppendsAndReadsTheNewestMost) {
  constexpr uint64_t kKeys = 1000;
  const auto keys = MakeKeyDistribution(KeyPattern::kLatest, kKeys, 0.99);
  Rng rng(1);
  for (uint64_t i = 0; i < 10; ++i) EXPECT_EQ(keys->NextWrite(rng), kKeys + i);
  std::map<uint64_t, int> reads;
  for (int i = 0; i < 100'000; ++i) ++reads[keys->NextRead(rng)];
  EXPECT_EQ(reads.rbegin()->first, kKeys + 9);
  EXPECT_GE(reads.begin()->first, 10u);
  const auto most = std::max_element(reads.begin(), reads.end(), [](auto& a, auto& b) { return a.second < b.second; });
  EXPECT_EQ(most->first, kKeys + 9);
}

TEST(KeyDistributionTest, NamesAreReadBack) {
  for (KeyPattern pattern : {KeyPattern::kUniform, KeyPattern::kZipfian, KeyPattern::kLatest}) {
    const auto parsed = ParseKeyPattern(KeyPatternName(pattern));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, pattern);
  }
  EXPECT_EQ(ParseKeyPattern("zipf").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace henge::bench
