#include "core/runtime/xoshiro.h"

namespace henge {
namespace {

// The first outputs of the published reference for the state 1, 2, 3, 4, and of SplitMix64 for the seed 1234567.
TEST(XoshiroTest, GivesThePublishedSequence) {
  Xoshiro random(Xoshiro::Seed{1, 2, 3, 4});
  for (const uint64_t expected : {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240}}) {
    EXPECT_EQ(random.Next64(), expected);
  }
}

TEST(XoshiroTest, SplitMixGivesThePublishedSequence) {
  uint64_t state = 1234567;
  EXPECT_EQ(SplitMix64(&state), 6457827717110365317u);
  EXPECT_EQ(SplitMix64(&state), 3203168211198807973u);
  EXPECT_EQ(SplitMix64(&state), 9817491932198370423u);
}

TEST(XoshiroTest, TheAllZeroSeedStillMoves) {
  Xoshiro random(Xoshiro::Seed{0, 0, 0, 0});
  uint64_t any = 0;
  for (int i = 0; i < 10; ++i) any |= random.Next64();
  EXPECT_NE(any, 0u);
}

}  // namespace
}  // namespace henge
