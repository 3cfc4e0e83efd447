#include "node/state/state_change.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

ClusterState Two() { return *MakeInitialState("t", 3, {{.name = "n1"}, {.name = "n2"}}); }

TEST(StateChangeTest, ASuccessorNamesItsChangesAndForgetsTheOldest) {
  ClusterState state = Two();
  for (uint64_t i = 1; i <= kStateChangesMax + 3; ++i) state = Successor(std::move(state), 1000 + i);
  EXPECT_EQ(state.version, StateVersion(kStateChangesMax + 4));
  EXPECT_EQ(state.changes.size(), kStateChangesMax);
  EXPECT_EQ(VersionOfChange(state, 1000 + kStateChangesMax + 3), state.version);
  EXPECT_EQ(VersionOfChange(state, 1004), StateVersion(5));
  EXPECT_FALSE(VersionOfChange(state, 1003).has_value());
  EXPECT_EQ(*ClusterState::Decode(state.Encode()), state);
}

TEST(StateChangeTest, P31BindingNamesAStoreForEachMemberOnce) {
  const auto half = BindAll({{MemberId(1), StoreId(7)}});
  EXPECT_EQ(half(Two()).status().code(), absl::StatusCode::kFailedPrecondition);
  const auto all = BindAll({{MemberId(1), StoreId(7)}, {MemberId(2), StoreId(8)}});
  const auto bound = all(Two());
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(bound->members[1].store, StoreId(8));
  EXPECT_EQ(all(Successor(*bound, 1)).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(StateChangeTest, P31RebindingIsForAnotherStoreOfABoundMember) {
  ClusterState state = Two();
  EXPECT_EQ(Rebind(MemberId(1), StoreId(9))(state).status().code(), absl::StatusCode::kFailedPrecondition);
  state.version = StateVersion(2);
  state.members[0].store = StoreId(7);
  EXPECT_EQ(Rebind(MemberId(2), StoreId(9))(state)->members[1].store, StoreId(9)) << "one that had never started";
  EXPECT_EQ(Rebind(MemberId(1), StoreId(9))(state)->members[0].store, StoreId(9));
  EXPECT_EQ(Rebind(MemberId(1), StoreId(7))(state).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Rebind(MemberId(5), StoreId(9))(state).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace henge
