// P31: members and their stores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/state/state_rig.h"

namespace henge::state_test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(StateBindingTest, P31VersionTwoBindsAllAsSoonAsAllHaveMet) {
  StateRig rig(3);
  rig.StartAll();
  rig.Pass(seconds(1));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(rig.state(i).version, StateVersion(2));
    EXPECT_EQ(rig.state(i).FindMember(MemberId(static_cast<uint32_t>(i)))->store, rig.engine(i).store_id());
    EXPECT_TRUE(rig.state(i).IsBound());
  }
}

TEST(StateBindingTest, P31NothingIsDecidedBeforeAllHaveMet) {
  StateRig rig(3);
  rig.Start(1);
  rig.Start(2);
  const absl::Status refused = rig.Change(1, Create("a")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("have not all met"));
  EXPECT_EQ(rig.state(1).version, StateVersion(1));
  rig.Start(3);
  rig.Pass(seconds(10));
  EXPECT_TRUE(rig.Change(1, Create("a")).ok());
}

TEST(StateBindingTest, P31AnotherMemberBindsIfTheFirstOneDoesNot) {
  StateRig rig(3);
  rig.Start(1, /*begin=*/false);
  rig.Start(2);
  rig.Start(3);
  rig.Pass(std::chrono::milliseconds(500));
  EXPECT_EQ(rig.state(3).version, StateVersion(1)) << "the first one is given a moment";
  rig.Pass(seconds(10));
  EXPECT_EQ(rig.state(3).version, StateVersion(2));
}

// P31: an operator says that a member never starts. Without it the others go on, and it is bound when it starts after
// all.
class BootstrapTest : public ::testing::Test {
 protected:
  absl::StatusOr<StateVersion> Without(int at, const std::vector<std::string>& names) {
    absl::StatusOr<StateVersion> result = absl::InternalError("no end");
    rig_.keeper(at).BindWithout(names, seconds(5),
                                [&result](absl::StatusOr<StateVersion> v) { result = std::move(v); });
    rig_.Pass(seconds(6));
    return result;
  }

  StateRig rig_{3};
};

TEST_F(BootstrapTest, P31TheOthersAreBoundAndWhoStartsLaterIsBoundThen) {
  rig_.Start(1);
  rig_.Start(2);
  rig_.Pass(seconds(5));
  const auto version = Without(1, {"n3"});
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(*version, StateVersion(2));
  EXPECT_EQ(rig_.state(2).FindMember(MemberId(3))->store, StoreId());
  EXPECT_EQ(rig_.state(2).FindMember(MemberId(1))->store, rig_.engine(1).store_id());
  ASSERT_TRUE(rig_.Change(2, Create("a")).ok());
  EXPECT_EQ(Without(1, {"n3"}).status().code(), absl::StatusCode::kFailedPrecondition) << "once";
  rig_.Start(3);
  rig_.Pass(seconds(10));
  EXPECT_EQ(rig_.state(1).FindMember(MemberId(3))->store, rig_.engine(3).store_id());
  rig_.Cut(1);
  EXPECT_TRUE(rig_.Change(3, Create("b")).ok()) << "now its vote counts";
}

TEST_F(BootstrapTest, P31TwoThatLeaveOutEachOtherNeverBothDecide) {
  // n2 takes part in both; what it accepted for the one is what the other decides.
  rig_.Start(1);
  rig_.Start(2);
  rig_.Pass(seconds(5));
  auto first = std::make_shared<absl::StatusOr<StateVersion>>(absl::InternalError("no end"));
  rig_.keeper(1).BindWithout({"n3"}, seconds(20), [first](absl::StatusOr<StateVersion> v) { *first = std::move(v); });
  rig_.Cut(1);
  rig_.Start(3);
  rig_.Pass(seconds(5));
  const auto second = Without(3, {"n1"});
  rig_.Mend(1);
  rig_.Pass(seconds(30));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(rig_.keeper(i).ring()->digest(), rig_.keeper(1).ring()->digest()) << i;
    EXPECT_FALSE(rig_.keeper(i).contradicted());
    EXPECT_TRUE(rig_.state(i).IsBound()) << "whoever was left out was bound afterwards";
  }
  EXPECT_TRUE(first->ok() || second.ok());
}

TEST_F(BootstrapTest, P31IsRefusedWhereItWouldNotBeSound) {
  rig_.Start(1);
  rig_.Pass(seconds(3));
  EXPECT_EQ(Without(1, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Without(1, {"n9"}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Without(1, {"n1"}).status().code(), absl::StatusCode::kInvalidArgument) << "it has started";
  EXPECT_THAT(std::string(Without(1, {"n2", "n3"}).status().message()), HasSubstr("no majority"));
  const absl::Status missing = Without(1, {"n3"}).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("n2 has not answered"));
  rig_.Start(3, /*begin=*/false);
  rig_.Pass(seconds(5));
  const absl::Status started = Without(1, {"n3"}).status();
  EXPECT_EQ(started.code(), absl::StatusCode::kFailedPrecondition) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr("n3 has started"));
  EXPECT_EQ(rig_.state(1).version, StateVersion(1));
}

class WipedMemberTest : public ::testing::Test {
 protected:
  WipedMemberTest() {
    rig_.StartAll();
    rig_.Pass(seconds(3));
    EXPECT_TRUE(rig_.Change(1, Create("a")).ok());
    rig_.Stop(3);
    rig_.Wipe(3);
  }
  StoreId Bound(int at) { return rig_.state(at).FindMember(MemberId(3))->store; }

  StateRig rig_{3};
};

TEST_F(WipedMemberTest, P31IsBoundAnewByTheOthersOnceItIsReady) {
  const StoreId old = Bound(1);
  Closure ready;
  rig_.on_rebound = [&ready](Closure go) { ready = std::move(go); };
  rig_.Start(3);
  rig_.Pass(seconds(5));
  EXPECT_EQ(rig_.state(3).version, StateVersion(3)) << "any newer state wins over the configuration";
  ASSERT_TRUE(ready != nullptr) << "told that its data is not here";
  EXPECT_EQ(Bound(1), old) << "not before it has noted that";
  ready();
  rig_.Pass(seconds(5));
  EXPECT_EQ(Bound(1), rig_.engine(3).store_id());
  EXPECT_EQ(Bound(3), rig_.engine(3).store_id());
  rig_.Cut(1);
  EXPECT_TRUE(rig_.Change(2, Create("b")).ok()) << "now its vote counts";
}

TEST_F(WipedMemberTest, P31ItsVoteCountsForNothingBefore) {
  rig_.on_rebound = [](const Closure&) {};  // never ready
  rig_.Start(3);
  rig_.Pass(seconds(5));
  rig_.Cut(2);
  const absl::Status refused = rig_.Change(1, Create("b")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("n3 (its disk is not the one that the cluster knows"));
  rig_.Mend(2);
  EXPECT_TRUE(rig_.Change(3, Create("b")).ok()) << "it may propose all the same";
}

TEST_F(WipedMemberTest, P31TheOldDiskVotesNoMoreWhenItComesBack) {
  rig_.Start(3);
  rig_.Pass(seconds(5));
  const StoreId bound = Bound(1);
  ASSERT_EQ(bound, rig_.engine(3).store_id());
  rig_.Stop(3);
  rig_.Wipe(3);  // any other store than the bound one
  rig_.on_rebound = [](const Closure&) {};
  rig_.Start(3);
  rig_.Cut(2);
  EXPECT_EQ(rig_.Change(1, Create("b")).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace henge::state_test
