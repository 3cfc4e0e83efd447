// The watch over the cluster states of a run sees what must never happen.
#include "tests/sim/state_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace henge::sim {
namespace {

using ::testing::HasSubstr;

RingPtr StateOf(uint64_t version, std::string zone = "") {
  ClusterState state = *MakeInitialState("watch", 3, {{.name = "n1", .client_address = "h:1", .peer_address = "h:2"}});
  state.version = StateVersion(version);
  state.members[0].zone = std::move(zone);
  return std::make_shared<const Ring>(std::move(state));
}

TEST(StateWatch, OneHistoryIsFine) {
  StateWatch watch;
  for (int node = 1; node <= 2; ++node) {
    watch.OnState(node, StateOf(1));
    watch.OnState(node, StateOf(2));
    watch.OnState(node, StateOf(2));  // a restart
  }
  watch.OnChanged(StateVersion(2), "a");
  EXPECT_TRUE(watch.violations().empty());
  EXPECT_TRUE(watch.Agree(2));
  EXPECT_FALSE(watch.Agree(3)) << "the third was never seen";
}

TEST(StateWatch, TwoStatesOfOneVersionAreSeen) {
  StateWatch watch;
  watch.OnState(1, StateOf(2, "here"));
  watch.OnState(2, StateOf(2, "there"));
  ASSERT_EQ(watch.violations().size(), 1u);
  EXPECT_THAT(watch.violations()[0].what, HasSubstr("node 2 goes by another state of version 2"));
}

TEST(StateWatch, AVersionThatGoesBackIsSeenButForALostDisk) {
  StateWatch watch;
  watch.OnState(1, StateOf(3));
  watch.OnState(1, StateOf(1));
  ASSERT_EQ(watch.violations().size(), 1u);
  EXPECT_THAT(watch.violations()[0].what, HasSubstr("node 1 went back from version 3 to 1"));
  watch.OnState(2, StateOf(3));
  watch.OnWipe(2);
  watch.OnState(2, StateOf(1));
  EXPECT_EQ(watch.violations().size(), 1u);
}

TEST(StateWatch, OneVersionAcknowledgedForTwoChangesIsSeen) {
  StateWatch watch;
  watch.OnChanged(StateVersion(4), "a");
  watch.OnChanged(StateVersion(4), "b");
  ASSERT_EQ(watch.violations().size(), 1u);
  EXPECT_THAT(watch.violations()[0].what, HasSubstr("for a and for b"));
}

}  // namespace
}  // namespace henge::sim
