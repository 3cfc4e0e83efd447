// P9: the Merge of last-writer-wins buckets, over random histories of three replicas with clocks of their own.

#include "core/model/conflict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "core/model/hlc.h"
#include "core/model/mint.h"
#include "core/model/object_builder.h"

namespace henge {
namespace {

constexpr ConflictPolicy kLww = ConflictPolicy::kLastWriterWins;

using MergeFn = Object (*)(Object, const Object&);

Object Merged(Object into, const Object& from) {
  MergeRecord(kLww, &into, from);
  return into;
}

// The planted bug: the Merge of P1, then only the latest is kept.
Object KeepLatestAfterPlainMerge(Object into, const Object& from) {
  into.Merge(from);
  Resolve(kLww, &into);
  return into;
}

struct History {
  std::array<Object, 3> replicas;
  uint64_t greatest = 0;  // of all stamps
  std::vector<Sibling> minted;
};

// Mints with contexts read anywhere and merges among three replicas whose clocks differ. With `consistent`, a mint
// stamps as P9 says; else by its own clock alone.
History Simulate(uint32_t seed, MergeFn merge, bool consistent) {
  std::mt19937 dice(seed);
  History h;
  std::array<Minter, 3> minters;
  std::array<std::optional<Mark>, 3> marks;
  std::array<HybridClock, 3> clocks;
  std::array<int64_t, 3> walls;
  for (uint32_t i = 0; i < 3; ++i) {
    minters[i] = {.store = StoreId(i + 1), .lifetime = Lifetime(7)};
    walls[i] = 1 + dice() % 5;
  }
  for (uint32_t step = 0, steps = 3 + dice() % 8; step < steps; ++step) {
    const uint32_t at = dice() % 3;
    const uint32_t from = dice() % 3;
    if (dice() % 100 < 45) {
      h.replicas[at] = merge(h.replicas[at], h.replicas[from]);
      continue;
    }
    const Object seen = dice() % 2 == 0 ? h.replicas[from] : Object();
    walls[at] += dice() % 3;
    uint64_t stamp = HybridClock::FromWall(walls[at]);
    if (consistent) {
      clocks[at].Observe(h.replicas[at].MaxHlc(), walls[at]);
      stamp = clocks[at].Stamp(walls[at], seen.MaxHlc());
    }
    Minted minted = MintVersion(h.replicas[at], marks[at], seen.vv(), {.value = "v" + std::to_string(step)}, stamp,
                                &minters[at], kLww);
    EXPECT_EQ(minted.object.siblings().size(), 1u);
    marks[at] = minted.mark;
    if (consistent) {
      EXPECT_EQ(minted.object.siblings()[0].hlc, stamp);
    }
    h.minted.push_back(minted.object.siblings()[0]);
    h.greatest = std::max(h.greatest, stamp);
    h.replicas[at] = std::move(minted.object);
  }
  return h;
}

bool LostAll(const Object& object) { return object.siblings().empty() && !object.vv().empty(); }

TEST(LastWriterWinsTest, P9MergeIsCommutativeAssociativeIdempotentCanonicalAndNeverEmpty) {
  for (uint32_t seed = 0; seed < 60'000; ++seed) {
    const auto [a, b, c] = Simulate(seed, Merged, /*consistent=*/seed % 2 == 0).replicas;
    const Object ab = Merged(a, b);
    ASSERT_EQ(ab.Encode(), Merged(b, a).Encode()) << seed;
    ASSERT_EQ(Merged(ab, c).Encode(), Merged(a, Merged(b, c)).Encode()) << seed;
    ASSERT_EQ(Merged(ab, b), ab) << seed;
    ASSERT_EQ(Merged(a, a), a) << seed;
    ASSERT_EQ(RecordIncludes(kLww, ab, a), true) << seed;
    ASSERT_EQ(RecordIncludes(kLww, a, b), Merged(a, b) == a) << seed;
    ASSERT_FALSE(LostAll(Merged(ab, c))) << seed;
    ASSERT_LE(ab.siblings().size(), 1u) << seed;
    const auto decoded = Object::Decode(ab.Encode());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(*decoded, ab);
  }
}

TEST(LastWriterWinsTest, P9TheGreatestStampWins) {
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    const History h = Simulate(seed, Merged, /*consistent=*/true);
    const Object all = Merged(Merged(h.replicas[0], h.replicas[1]), h.replicas[2]);
    if (h.minted.empty()) continue;
    ASSERT_EQ(all.siblings().size(), 1u) << seed;
    ASSERT_EQ(all.siblings()[0].hlc, h.greatest) << seed;
  }
}

TEST(LastWriterWinsTest, P9PlainMergeWithKeepTheLatestLosesKeysOrDiverges) {
  int empty = 0;
  int dependent = 0;
  for (uint32_t seed = 0; seed < 60'000; ++seed) {
    const auto [a, b, c] = Simulate(seed, KeepLatestAfterPlainMerge, /*consistent=*/false).replicas;
    const Object left = KeepLatestAfterPlainMerge(KeepLatestAfterPlainMerge(a, b), c);
    const Object right = KeepLatestAfterPlainMerge(a, KeepLatestAfterPlainMerge(b, c));
    empty += LostAll(left) || LostAll(right) ? 1 : 0;
    dependent += left == right ? 0 : 1;
  }
  EXPECT_GT(empty, 0) << "the histories are too tame to show why P9 has a Merge of its own";
  EXPECT_GT(dependent, 0);
}

TEST(LastWriterWinsTest, ADotCollisionIsSeenAndResolvedAlikeEverywhere) {
  const Dot dot{{StoreId(1), Lifetime(1), 1}, 1};
  Object a, b;
  ObjectBuilder::Add(a, {.dot = dot, .value = "a", .hlc = 5});
  ObjectBuilder::Add(b, {.dot = dot, .value = "b", .hlc = 5});
  EXPECT_TRUE(DotsCollide(a, b));
  EXPECT_FALSE(DotsCollide(a, a));
  EXPECT_EQ(Merged(a, b), Merged(b, a));
  EXPECT_EQ(Merged(a, b).siblings()[0].value, "b");
}

TEST(LastWriterWinsTest, AnIncomingRecordWithSiblingsIsResolved) {
  Object several;
  ObjectBuilder::Add(several, {.dot = {{StoreId(1), Lifetime(1), 1}, 1}, .value = "old", .hlc = 5});
  ObjectBuilder::Add(several, {.dot = {{StoreId(2), Lifetime(1), 1}, 1}, .value = "new", .hlc = 6});
  EXPECT_FALSE(RecordIncludes(kLww, several, Object()));
  const Object merged = Merged(Object(), several);
  ASSERT_EQ(merged.siblings().size(), 1u);
  EXPECT_EQ(merged.siblings()[0].value, "new");
  EXPECT_EQ(merged.vv(), several.vv());
}

TEST(LastWriterWinsTest, SiblingsBucketsKeepBoth) {
  Object a, b;
  ObjectBuilder::Add(a, {.dot = {{StoreId(1), Lifetime(1), 1}, 1}, .value = "a", .hlc = 5});
  ObjectBuilder::Add(b, {.dot = {{StoreId(2), Lifetime(1), 1}, 1}, .value = "b", .hlc = 6});
  EXPECT_TRUE(MergeRecord(ConflictPolicy::kSiblings, &a, b));
  EXPECT_EQ(a.siblings().size(), 2u);
  EXPECT_FALSE(Resolve(ConflictPolicy::kSiblings, &a));
}

}  // namespace
}  // namespace henge
