#include "core/model/mint.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

#include "tests/unit/model/model_samples.h"

namespace henge {
namespace {

Minter MinterOf(uint64_t store, uint64_t lifetime) {
  return {.store = StoreId(store), .lifetime = Lifetime(lifetime), .last_epoch = 0};
}

Mutation ValueMutation(const std::string& value) { return {.value = value, .op_id = {1, 2}, .request_hash = 3}; }

TEST(MintTest, TheFirstVersionOpensAnEpoch) {
  Minter minter = MinterOf(1, 1);
  const Minted minted = MintVersion({}, std::nullopt, {}, ValueMutation("x"), 9, &minter);
  EXPECT_EQ(minted.dot, DotOf(1, 1));
  EXPECT_EQ(minted.mark, (Mark{Lifetime(1), 1, 1}));
  EXPECT_EQ(minter.last_epoch, 1u);
  ASSERT_EQ(minted.object.siblings().size(), 1u);
  const Sibling& sibling = minted.object.siblings()[0];
  EXPECT_EQ(sibling.dot, minted.dot);
  EXPECT_EQ(sibling.value, "x");
  EXPECT_EQ(sibling.hlc, 9u);
  EXPECT_EQ(sibling.op_id, (OpId{1, 2}));
  EXPECT_EQ(sibling.request_hash, 3u);
  EXPECT_TRUE(minted.object.vv().Covers(minted.dot));
}

TEST(MintTest, P4AMarkThatEqualsTheVectorExtendsTheEpoch) {
  Minter minter = MinterOf(1, 1);
  const Minted first = MintVersion({}, std::nullopt, {}, ValueMutation("x"), 0, &minter);
  const Minted second = MintVersion(first.object, first.mark, {}, ValueMutation("y"), 0, &minter);
  EXPECT_EQ(second.dot, DotOf(1, 2));
  EXPECT_EQ(second.mark, (Mark{Lifetime(1), 1, 2}));
  EXPECT_EQ(minter.last_epoch, 1u);
  EXPECT_EQ(second.object.siblings().size(), 2u) << "a blind put makes a sibling";
}

TEST(MintTest, P4EveryOtherMarkOpensAnEpoch) {
  const Object base = ObjectOf({DotOf(1, 3)}, {});
  for (const std::optional<Mark>& mark :
       {std::optional<Mark>(), std::optional<Mark>(Mark{Lifetime(2), 1, 3}),
        std::optional<Mark>(Mark{Lifetime(1), 1, 2}), std::optional<Mark>(Mark{Lifetime(1), 1, 4}),
        std::optional<Mark>(Mark{Lifetime(1), 2, 3}), std::optional<Mark>(Mark{Lifetime(1), 0, 0})}) {
    Minter minter = MinterOf(1, 1);
    const Minted minted = MintVersion(base, mark, {}, ValueMutation("x"), 0, &minter);
    EXPECT_EQ(minted.dot, (Dot{ActorOf(1, 1, 2), 1}));
    EXPECT_EQ(minter.last_epoch, 2u);
  }
}

TEST(MintTest, P4AContextThatKnowsMoreOfThisActorOpensAnEpoch) {
  Minter minter = MinterOf(1, 1);
  const Minted first = MintVersion({}, std::nullopt, {}, ValueMutation("x"), 0, &minter);
  const Minted second = MintVersion(first.object, first.mark, VvOf({DotOf(1, 2)}), ValueMutation("y"), 0, &minter);
  EXPECT_EQ(second.dot, (Dot{ActorOf(1, 1, 2), 1}));
}

TEST(MintTest, P4ANewEpochStandsInNeitherRecordNorContext) {
  Minter minter = MinterOf(1, 1);
  minter.last_epoch = 2;
  const Object base = ObjectOf({{ActorOf(1, 1, 5), 1}, {ActorOf(1, 2, 9), 1}, {ActorOf(2, 1, 9), 1}}, {});
  const VersionVector context = VvOf({{ActorOf(1, 1, 6), 1}});
  EXPECT_EQ(MintVersion(base, std::nullopt, context, ValueMutation("x"), 0, &minter).dot.actor, ActorOf(1, 1, 7));
  EXPECT_EQ(MintVersion({}, std::nullopt, {}, ValueMutation("x"), 0, &minter).dot.actor, ActorOf(1, 1, 8))
      << "another key's record may come back with what was minted for this one";
}

TEST(MintTest, AForgedEpochDoesNotUseUpTheNumbers) {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  Minter minter = MinterOf(1, 1);
  const VersionVector forged = VvOf({{ActorOf(1, 1, kLast), 1}, {ActorOf(1, 1, uint64_t{1} << 62), 1}});
  Object object;
  for (uint64_t i = 1; i <= 3; ++i) {
    const Minted minted = MintVersion({}, std::nullopt, forged, ValueMutation("x"), 0, &minter);
    EXPECT_EQ(minted.dot.actor.epoch, (uint64_t{1} << 62) + i);
    EXPECT_TRUE(minted.object.vv().Covers(minted.dot));
  }
}

TEST(MintTest, P2TheContextIsJoinedAndItsSiblingsGo) {
  Minter minter = MinterOf(3, 1);
  const Object base = ObjectOf({}, {ValueOf(DotOf(1, 1), "seen"), ValueOf(DotOf(1, 2), "unseen")});
  const VersionVector context = VvOf({DotOf(1, 1), DotOf(2, 7)});
  const Minted minted = MintVersion(base, std::nullopt, context, ValueMutation("new"), 0, &minter);
  ASSERT_EQ(minted.object.siblings().size(), 2u);
  EXPECT_EQ(minted.object.siblings()[0].value, "unseen");
  EXPECT_EQ(minted.object.siblings()[1].value, "new");
  EXPECT_TRUE(minted.object.vv().Covers(context)) << "else what the client saw elsewhere comes back as a false sibling";
}

TEST(MintTest, ATombstoneHasNeitherValueNorExpiry) {
  Minter minter = MinterOf(1, 1);
  const Minted minted =
      MintVersion({}, std::nullopt, {}, {.tombstone = true, .value = "left over", .expires_at_ms = 5}, 0, &minter);
  const Sibling& sibling = minted.object.siblings()[0];
  EXPECT_TRUE(sibling.tombstone);
  EXPECT_EQ(sibling.value, "");
  EXPECT_EQ(sibling.expires_at_ms, 0);
  EXPECT_TRUE(Object::Decode(minted.object.Encode()).ok());
}

}  // namespace
}  // namespace henge
