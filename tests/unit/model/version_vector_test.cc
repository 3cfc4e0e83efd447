#include "core/model/version_vector.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>

#include "tests/unit/model/model_samples.h"

namespace henge {
namespace {

TEST(VersionVectorTest, KnowsNothingAtFirst) {
  VersionVector vv;
  EXPECT_TRUE(vv.empty());
  EXPECT_EQ(vv.Get(ActorOf(1)), 0u);
  EXPECT_FALSE(vv.Covers(DotOf(1, 1)));
  EXPECT_TRUE(vv.Covers(VersionVector()));
}

TEST(VersionVectorTest, RaiseNeverLowersAndIgnoresZero) {
  VersionVector vv;
  vv.Raise(ActorOf(1), 0);
  EXPECT_TRUE(vv.empty());
  vv.Raise(ActorOf(1), 5);
  vv.Raise(ActorOf(1), 3);
  EXPECT_EQ(vv.Get(ActorOf(1)), 5u);
  EXPECT_TRUE(vv.Covers(DotOf(1, 5)));
  EXPECT_FALSE(vv.Covers(DotOf(1, 6)));
}

TEST(VersionVectorTest, ActorsDifferByStoreLifetimeAndEpoch) {
  VersionVector vv;
  vv.Raise(ActorOf(1, 1, 1), 1);
  EXPECT_EQ(vv.Get(ActorOf(2, 1, 1)), 0u);
  EXPECT_EQ(vv.Get(ActorOf(1, 2, 1)), 0u);
  EXPECT_EQ(vv.Get(ActorOf(1, 1, 2)), 0u);
}

TEST(VersionVectorTest, EqualWhateverTheOrderOfRaises) {
  EXPECT_EQ(VvOf({DotOf(3, 1), DotOf(1, 1), DotOf(2, 9)}), VvOf({DotOf(1, 1), DotOf(2, 9), DotOf(3, 1)}));
}

TEST(VersionVectorTest, CoversComparesEveryEntry) {
  const VersionVector vv = VvOf({DotOf(1, 2), DotOf(2, 2)});
  EXPECT_TRUE(vv.Covers(VvOf({DotOf(1, 1)})));
  EXPECT_TRUE(vv.Covers(vv));
  EXPECT_FALSE(vv.Covers(VvOf({DotOf(1, 1), DotOf(2, 3)})));
  EXPECT_FALSE(vv.Covers(VvOf({DotOf(3, 1)})));
}

// Against std::map as the model, with as many actors in common as not.
TEST(VersionVectorTest, JoinIsThePointwiseMaximum) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    VersionVector a;
    VersionVector b;
    std::map<Actor, uint64_t> expected;
    for (VersionVector* vv : {&a, &b}) {
      for (uint64_t n = random() % 6; n > 0; --n) {
        const Actor actor = ActorOf(random() % 4, random() % 2, 1 + random() % 2);
        const uint64_t counter = 1 + random() % 5;
        vv->Raise(actor, counter);
        expected[actor] = std::max(expected[actor], counter);
      }
    }
    VersionVector joined = a;
    joined.Join(b);
    ASSERT_EQ(joined.size(), expected.size());
    auto entry = joined.entries().begin();
    for (const auto& [actor, counter] : expected) {
      ASSERT_EQ(entry->actor, actor);
      ASSERT_EQ(entry->counter, counter);
      ++entry;
    }
    ASSERT_TRUE(joined.Covers(a));
    ASSERT_TRUE(joined.Covers(b));
    ASSERT_EQ(a.Covers(b), joined == a);
  }
}

}  // namespace
}  // namespace henge
