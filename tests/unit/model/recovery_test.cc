// P15: when the answers of a replica that may have lost data count again.
#include "core/model/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace henge {
namespace {

using ::testing::ElementsAre;

constexpr PartitionId kPartition(7);
constexpr MemberId kA(2);
constexpr MemberId kB(3);

TEST(RecoveryTest, P15EndsOnceEveryOtherLiveOwnerWasHeard) {
  Recovery recovery;
  EXPECT_TRUE(recovery.Settle(kPartition, {kA, kB}, true)) << "nothing was lost";
  recovery.Lost(kPartition);
  EXPECT_TRUE(recovery.IsRecovering(kPartition));
  EXPECT_FALSE(recovery.IsRecovering(PartitionId(8)));
  EXPECT_FALSE(recovery.Settle(kPartition, {kA, kB}, true));
  recovery.Ended(kPartition, kA, recovery.Begin());
  EXPECT_FALSE(recovery.Settle(kPartition, {kA, kB}, true));
  recovery.Ended(PartitionId(8), kB, recovery.Begin());
  EXPECT_FALSE(recovery.Settle(kPartition, {kA, kB}, true)) << "another partition's exchange";
  recovery.Ended(kPartition, kB, recovery.Begin());
  EXPECT_TRUE(recovery.Settle(kPartition, {kA, kB}, true));
  EXPECT_FALSE(recovery.IsRecovering(kPartition));
}

TEST(RecoveryTest, P15AnExchangeThatBeganBeforeTheLossProvesNothing) {
  Recovery recovery;
  const Recovery::Ticket before = recovery.Begin();
  recovery.Lost(kPartition);
  recovery.Ended(kPartition, kA, before);
  EXPECT_FALSE(recovery.Settle(kPartition, {kA}, true));
  const Recovery::Ticket between = recovery.Begin();
  recovery.Lost(kPartition);
  recovery.Ended(kPartition, kA, between);
  EXPECT_FALSE(recovery.Settle(kPartition, {kA}, true)) << "more was lost since";
  recovery.Ended(kPartition, kA, recovery.Begin());
  EXPECT_TRUE(recovery.Settle(kPartition, {kA}, true));
}

TEST(RecoveryTest, P15ALossOfAnotherPartitionDoesNotVoidAnExchange) {
  Recovery recovery;
  recovery.Lost(kPartition);
  const Recovery::Ticket ticket = recovery.Begin();
  recovery.Lost(PartitionId(8));
  recovery.Ended(kPartition, kA, ticket);
  recovery.Ended(PartitionId(8), kA, ticket);
  EXPECT_THAT(recovery.Partitions(), ElementsAre(kPartition, PartitionId(8)));
  EXPECT_TRUE(recovery.Settle(kPartition, {kA}, true));
  EXPECT_FALSE(recovery.Settle(PartitionId(8), {kA}, true));
}

TEST(RecoveryTest, P15WithAllOthersDownNobodyKnowsWhatWasLost) {
  Recovery recovery;
  recovery.Lost(kPartition);
  EXPECT_FALSE(recovery.Settle(kPartition, {}, true));
  EXPECT_TRUE(recovery.Settle(kPartition, {}, false)) << "an only owner has nobody to ask";
  recovery.Lost(kPartition);
  recovery.Ended(kPartition, kA, recovery.Begin());
  EXPECT_FALSE(recovery.Settle(kPartition, {kA, kB}, true));
  EXPECT_TRUE(recovery.Settle(kPartition, {kA}, true)) << "the other one went down";
}

}  // namespace
}  // namespace henge
