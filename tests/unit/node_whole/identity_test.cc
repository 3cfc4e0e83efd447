#include "node/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/antientropy/recovery_note.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge {
namespace {

using ::testing::HasSubstr;
using namespace coordinator_test;
using node_test::FakeStoreEngine;

class IdentityTest : public ::testing::Test {
 protected:
  static ClusterState StateOf(const std::string& token) {
    auto state = MakeInitialState(token, 3, {{.name = "n1"}, {.name = "n2"}});
    EXPECT_TRUE(state.ok());
    return *std::move(state);
  }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  FakeStoreEngine engine_{loop_, StoreId(7)};
  CountingRandom random_{5};
};

TEST_F(IdentityTest, ANewStoreIsTakenAndKnownAgain) {
  const ClusterState state = StateOf("a");
  EXPECT_TRUE(ClaimStore(engine_, state, MemberId(1)).ok());
  EXPECT_TRUE(ClaimStore(engine_, state, MemberId(1)).ok());
}

// P15, P31: whether an empty store is a first one, nobody can tell; it counts for nothing before it was compared.
TEST_F(IdentityTest, P31ANewStoreBesideOthersBeginsAsRecovering) {
  const ClusterState state = StateOf("a");
  ASSERT_TRUE(ClaimStore(engine_, state, MemberId(1)).ok());
  EXPECT_EQ(RecoveryNote::Load(engine_)->size(), static_cast<size_t>(kPartitionCount)) << "two members own everything";
  ASSERT_TRUE(RecoveryNote::Store(engine_, {}).ok());
  ASSERT_TRUE(ClaimStore(engine_, state, MemberId(1)).ok());
  EXPECT_TRUE(RecoveryNote::Load(engine_)->empty()) << "a known one does not";
  FakeStoreEngine single(loop_, StoreId(8));
  ASSERT_TRUE(ClaimStore(single, *MakeInitialState("a", 3, {{.name = "n1"}}), MemberId(1)).ok());
  EXPECT_TRUE(RecoveryNote::Load(single)->empty()) << "there is nobody to ask";
}

// P30: another token, another member list or another N is another cluster.
TEST_F(IdentityTest, P30AnotherClustersDataIsRefused) {
  ASSERT_TRUE(ClaimStore(engine_, StateOf("a"), MemberId(1)).ok());
  const absl::Status refused = ClaimStore(engine_, StateOf("b"), MemberId(1));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("belongs to cluster"));
  EXPECT_THAT(refused.message(), HasSubstr("nothing was changed"));
  // The refusal left its owner in place.
  EXPECT_TRUE(ClaimStore(engine_, StateOf("a"), MemberId(1)).ok());
}

TEST_F(IdentityTest, AnotherMembersDataIsRefused) {
  ASSERT_TRUE(ClaimStore(engine_, StateOf("a"), MemberId(1)).ok());
  const absl::Status refused = ClaimStore(engine_, StateOf("a"), MemberId(2));
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(), HasSubstr("belongs to member n1, this node is named n2"));
}

TEST_F(IdentityTest, ABrokenOrNewerNoteIsNoPermission) {
  ASSERT_TRUE(engine_.WriteMeta("identity", "\x01 short").ok());
  EXPECT_EQ(ClaimStore(engine_, StateOf("a"), MemberId(1)).code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(engine_.WriteMeta("identity", "\x02 of tomorrow").ok());
  EXPECT_EQ(ClaimStore(engine_, StateOf("a"), MemberId(1)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(IdentityTest, TheTokenOfASingleNodeIsDrawnOnce) {
  auto first = LoadOrDrawToken(engine_, random_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*LoadOrDrawToken(engine_, random_), *first);
  FakeStoreEngine other(loop_, StoreId(8));
  EXPECT_NE(*LoadOrDrawToken(other, random_), *first);
}

}  // namespace
}  // namespace henge
