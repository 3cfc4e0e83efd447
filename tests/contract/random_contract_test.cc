// What core/runtime/random.h promises, of the system's chance and of the simulated one.
#include <array>
#include <cmath>
#include <cstdint>

#include "node/real/os_random.h"
#include "tests/sim/sim_random.h"

namespace henge::contract {
namespace {

class SimStream : public Random {
 public:
  uint64_t Next64() override { return stream_.Next64(); }

 private:
  sim::SimRandom stream_{sim::SimRandom(7).Split("contract")};
};

template <class Stream>
class RandomContractTest : public ::testing::Test {
 protected:
  Stream random_;
};
using Streams = ::testing::Types<OsRandom, SimStream>;
TYPED_TEST_SUITE(RandomContractTest, Streams);

TYPED_TEST(RandomContractTest, EveryBitIsFairAndFreeOfItsNeighbours) {
  constexpr int kDraws = 4096;
  std::array<int, 64> ones{};
  std::array<int, 63> equal_neighbours{};
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t draw = this->random_.Next64();
    for (size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>((draw >> bit) & 1);
    for (size_t bit = 0; bit < 63; ++bit) equal_neighbours[bit] += (((draw >> bit) ^ (draw >> (bit + 1))) & 1) == 0;
  }
  // Eight standard deviations: a fair source fails once in 10^15 runs.
  const double bound = 8 * std::sqrt(kDraws) / 2;
  for (int count : ones) EXPECT_NEAR(count, kDraws / 2, bound);
  for (int count : equal_neighbours) EXPECT_NEAR(count, kDraws / 2, bound);
}

TYPED_TEST(RandomContractTest, BelowStaysBelowAndReachesEverything) {
  std::array<int, 7> counts{};
  for (int i = 0; i < 7000; ++i) {
    const uint64_t draw = this->random_.Below(7);
    ASSERT_LT(draw, 7u);
    ++counts[draw];
  }
  for (int count : counts) EXPECT_NEAR(count, 1000, 8 * std::sqrt(1000.0));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(this->random_.Below(1), 0u);
}

TYPED_TEST(RandomContractTest, UnitIsInItsHalfOpenInterval) {
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double draw = this->random_.Unit();
    ASSERT_GE(draw, 0.0);
    ASSERT_LT(draw, 1.0);
    sum += draw;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.025);
}

TYPED_TEST(RandomContractTest, DrawsDoNotRepeat) {
  std::vector<uint64_t> draws;
  for (int i = 0; i < 10000; ++i) draws.push_back(this->random_.Next64());
  std::sort(draws.begin(), draws.end());
  EXPECT_EQ(std::adjacent_find(draws.begin(), draws.end()), draws.end());
}

TEST(OsRandomTest, NoTwoShareAStream) {
  OsRandom a, b;
  EXPECT_NE(a.Next64(), b.Next64());
}

TEST(SimRandomTest, TheSeedDecidesEverything) {
  sim::SimRandom a(5), b(5), c(6);
  EXPECT_EQ(a.Next64(), b.Next64());
  EXPECT_NE(a.Next64(), c.Next64());
}

TEST(SimRandomTest, AStreamSplitByNameDependsOnSeedAndNameOnly) {
  sim::SimRandom a(5);
  const uint64_t before = a.Split("network").Next64();
  for (int i = 0; i < 100; ++i) a.Next64();
  EXPECT_EQ(a.Split("network").Next64(), before);
  EXPECT_NE(a.Split("disk").Next64(), before);
  EXPECT_NE(a.Split("network", 1).Next64(), a.Split("network", 2).Next64());
  EXPECT_NE(sim::SimRandom(6).Split("network").Next64(), before);
}

}  // namespace
}  // namespace henge::contract
