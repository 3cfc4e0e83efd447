#include "tests/sim/monitor.h"

#include <gtest/gtest.h>

#include "core/model/object_builder.h"

namespace henge::sim {
namespace {

constexpr MutationId kWrite = 7;

Object Version(uint64_t store, MutationId id) {
  Object object;
  ObjectBuilder::Add(object, {.dot = {{StoreId(store), Lifetime(1), 1}, 1}, .value = "v", .op_id = {0, id}});
  return object;
}

MutationRecord Acked(uint32_t primaries, uint32_t fallbacks, uint32_t w) {
  MutationRecord m;
  m.id = kWrite;
  m.key = "k";
  m.primaries = primaries;
  m.fallbacks = fallbacks;
  m.durable = primaries + fallbacks;
  m.w = w;
  return m;
}

class MonitorAck : public testing::Test {
 protected:
  // A write that one owner has, and one fallback as a hint.
  MonitorAck() {
    monitor_.OnCommit(1, "k", object_);
    monitor_.OnDurable(1, "k", object_.vv());
    monitor_.OnHint("k", object_);
    monitor_.OnHintDurable(4, "k", object_.vv());
  }
  size_t ViolationsOf(const MutationRecord& m) {
    monitor_.OnAck(m);
    return monitor_.violations().size();
  }

  const Object object_ = Version(1, kWrite);
  Monitor monitor_;
};

TEST_F(MonitorAck, I12OneOwnerAndOneHintAreTwoNodes) { EXPECT_EQ(ViolationsOf(Acked(1, 1, 2)), 0u); }

TEST_F(MonitorAck, I12AHintIsNoOwnersCopy) { EXPECT_EQ(ViolationsOf(Acked(2, 0, 2)), 1u); }

TEST_F(MonitorAck, I12AnOwnersCopyIsNoHint) { EXPECT_EQ(ViolationsOf(Acked(0, 2, 2)), 1u); }

TEST_F(MonitorAck, I12FewerThanWIsNoAck) { EXPECT_EQ(ViolationsOf(Acked(1, 1, 3)), 1u); }

TEST_F(MonitorAck, I12OneNodeWithBothCountsOnce) {
  monitor_.OnHintDurable(1, "k", object_.vv());
  EXPECT_EQ(ViolationsOf(Acked(1, 2, 2)), 1u);
}

TEST_F(MonitorAck, I12AHintThatIsNotDurableDoesNotCount) {
  const Object other = Version(2, kWrite + 1);
  monitor_.OnHint("k", other);
  MutationRecord m = Acked(0, 1, 1);
  m.id = kWrite + 1;
  EXPECT_EQ(ViolationsOf(m), 1u);
}

TEST_F(MonitorAck, I12H14AStrictWriteCountsOwnersAlone) {
  MutationRecord m = Acked(1, 1, 2);
  m.strict = true;
  EXPECT_EQ(ViolationsOf(m), 1u);
}

TEST_F(MonitorAck, I12TheCountsAddUp) {
  MutationRecord m = Acked(1, 1, 1);
  m.durable = 1;
  EXPECT_EQ(ViolationsOf(m), 1u);
}

TEST_F(MonitorAck, I5AHintsVersionsAreVersions) {
  Object reused;
  ObjectBuilder::Add(reused, {.dot = object_.siblings()[0].dot, .value = "another", .op_id = {0, kWrite}});
  monitor_.OnHint("k", reused);
  ASSERT_EQ(monitor_.violations().size(), 1u);
  EXPECT_EQ(monitor_.violations()[0].invariant, "I5");
}

// ---- I15 ----

class HintLedgerTest : public testing::Test {
 protected:
  static VersionVector Vv(uint64_t counter) {
    VersionVector vv;
    vv.Raise({StoreId(9), Lifetime(1), 1}, counter);
    return vv;
  }
  void Keep(uint64_t counter) {
    ledger_.OnPut(4, key_, Vv(counter));
    ledger_.OnPutDurable(4, key_, Vv(counter));
  }
  void Remove(uint64_t at_target) {
    ledger_.OnRemoval(4, key_);
    const VersionVector vv = Vv(at_target);
    ledger_.OnRemovalEnd(4, key_, true, at_target == 0 ? nullptr : &vv);
  }
  size_t Violations() {
    ledger_.CheckAllDelivered();
    return ledger_.violations().size();
  }

  const HintKey key_{MemberId(2), {PartitionId(7), BucketId(1), "k"}};
  HintLedger ledger_;
};

TEST_F(HintLedgerTest, I15AHintThatIsJoinedAndDeliveredIsAccountedFor) {
  Keep(1);
  Keep(2);
  Remove(2);
  EXPECT_EQ(Violations(), 0u);
  EXPECT_EQ(ledger_.figures().created, 1u);
  EXPECT_EQ(ledger_.figures().joined, 1u);
  EXPECT_EQ(ledger_.figures().delivered, 1u);
}

TEST_F(HintLedgerTest, I15P16AHintThatReplacesAnotherContainsIt) {
  Keep(2);
  ledger_.OnPut(4, key_, Vv(1));
  EXPECT_EQ(ledger_.violations().size(), 1u);
}

TEST_F(HintLedgerTest, I15P18AHintGoesOnlyWhenItsTargetHasIt) {
  Keep(2);
  Remove(1);
  EXPECT_EQ(Violations(), 1u);
  Keep(3);
  Remove(0);
  EXPECT_EQ(Violations(), 2u);
}

TEST_F(HintLedgerTest, I15AHintThatNobodyKeepsAndNobodyGotIsLost) {
  Keep(1);
  EXPECT_EQ(Violations(), 1u);
}

TEST_F(HintLedgerTest, I15ARestartLosesNoHint) {
  Keep(1);
  ledger_.OnCrash(4);
  ledger_.OnOpened(4, 1);
  EXPECT_EQ(ledger_.violations().size(), 0u);
  ledger_.OnOpened(4, 0);
  EXPECT_EQ(ledger_.violations().size(), 1u);
}

TEST_F(HintLedgerTest, I15ARemovalThatMetACrashMayHaveTakenEffectOrNot) {
  Keep(1);
  ledger_.OnRemoval(4, key_);
  ledger_.OnCrash(4);
  ledger_.OnOpened(4, 0);
  EXPECT_EQ(Violations(), 0u);
  ledger_.OnSeen(4, key_, Vv(1));
  EXPECT_EQ(Violations(), 1u) << "it is there after all, and has to be delivered";
}

TEST_F(HintLedgerTest, I15ALateAnswerOfAReadBringsNoHintBack) {
  Keep(1);
  Remove(1);
  ledger_.OnSeen(4, key_, Vv(1));
  EXPECT_EQ(Violations(), 0u);
}

TEST_F(HintLedgerTest, I15AHintThatOnlyAReadShowedWasCreatedAllTheSame) {
  ledger_.OnSeen(4, key_, Vv(1));
  EXPECT_EQ(ledger_.figures().created, 1u);
  EXPECT_EQ(Violations(), 1u);
}

TEST_F(HintLedgerTest, I15AWipedDiskTakesItsHintsWithIt) {
  Keep(1);
  ledger_.OnWipe(4);
  EXPECT_EQ(Violations(), 0u);
  EXPECT_EQ(ledger_.figures().wiped, 1u);
}

}  // namespace
}  // namespace henge::sim
