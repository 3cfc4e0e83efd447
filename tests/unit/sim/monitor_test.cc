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

}  // namespace
}  // namespace henge::sim
