// P35: a record that can't be read is mended from all other owners, or stays an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

using ::testing::ElementsAre;

class RecordRepairTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rig.engine.records[Key("k")] = {"not to be read", std::nullopt, 0};
    rig.engine.unreadable.insert("k");
  }

  absl::StatusOr<PeerReply> Read() {
    auto answer = rig.Peer(ReadRequest{.key = Key("k"), .epoch = rig.ring->Epoch(Key("k").partition)});
    return answer->value_or(absl::UnknownError("no answer"));
  }
  void Answer(uint32_t from, absl::StatusOr<ReadReply> reply) {
    const std::vector<size_t> open = rig.transport.Open<ReadRequest>(MemberId(from));
    ASSERT_FALSE(open.empty());
    rig.transport.Answer(open[0], reply.ok() ? absl::StatusOr<PeerReply>(*reply) : reply.status());
  }
  std::vector<size_t> asked() {
    return {rig.transport.Open<ReadRequest>(MemberId(2)).size(), rig.transport.Open<ReadRequest>(MemberId(3)).size()};
  }

  ReplicaRig rig;
  const Object one = coordinator_test::MakeObject({{.store = 2, .counter = 1, .value = "one"}});
  const Object two = coordinator_test::MakeObject({{.store = 3, .counter = 1, .value = "two"}});
};

TEST_F(RecordRepairTest, WritesTheMergeOfAllOtherOwnersCopies) {
  EXPECT_TRUE(absl::IsDataLoss(Read().status()));
  EXPECT_THAT(asked(), ElementsAre(1, 1));
  Answer(2, coordinator_test::Found(one));
  EXPECT_TRUE(absl::IsDataLoss(Read().status())) << "half of the answers are no record";
  EXPECT_THAT(asked(), ElementsAre(0, 1)) << "one mend at a time";
  Answer(3, coordinator_test::Found(two));
  rig.engine.unreadable.clear();
  rig.loop.Run();
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
  EXPECT_FALSE(rig.engine.records[Key("k")].mark.has_value()) << "P4: the next mint opens an epoch of its own";
  EXPECT_EQ(rig.replica->figures().mended, 1u);
  EXPECT_EQ(rig.tracer.events["RecordMended"], 1);
}

TEST_F(RecordRepairTest, AMergeThatNeedsTheBaseBeginsItToo) {
  auto answer = rig.Merge(one);
  rig.loop.Run();
  EXPECT_TRUE(absl::IsDataLoss((*answer)->status())) << "a merge onto nothing would drop what is there";
  EXPECT_THAT(asked(), ElementsAre(1, 1));
}

TEST_F(RecordRepairTest, OneSilentOwnerIsReasonEnoughToWait) {
  EXPECT_FALSE(Read().ok());
  Answer(2, coordinator_test::Found(one));
  Answer(3, absl::UnavailableError("down"));
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().mended, 0u) << "the silent one may have what the broken copy had";
  EXPECT_EQ(rig.tracer.events["RecordNotMended"], 1);
  EXPECT_FALSE(Read().ok());
  EXPECT_THAT(asked(), ElementsAre(0, 0)) << "not again at once";
  rig.loop.Pass(std::chrono::seconds(2));
  EXPECT_FALSE(Read().ok());
  EXPECT_THAT(asked(), ElementsAre(1, 1));
  Answer(2, coordinator_test::Found(one));
  Answer(3, coordinator_test::Absent());
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().mended, 1u);
}

TEST_F(RecordRepairTest, WhatNobodyElseHasIsNeitherErasedNorAbsent) {
  EXPECT_FALSE(Read().ok());
  Answer(2, coordinator_test::Absent());
  Answer(3, coordinator_test::Absent());
  rig.loop.Run();
  EXPECT_EQ(rig.engine.records[Key("k")].object, "not to be read");
  EXPECT_TRUE(absl::IsDataLoss(Read().status()));
}

TEST_F(RecordRepairTest, AnUndecodableAnswerIsNone) {
  EXPECT_FALSE(Read().ok());
  Answer(2, ReadReply{.found = true, .object = "garbage"});
  Answer(3, coordinator_test::Found(two));
  rig.loop.Run();
  EXPECT_EQ(rig.replica->figures().mended, 0u);
}

TEST_F(RecordRepairTest, AnswersAfterTheEndFindNobody) {
  EXPECT_FALSE(Read().ok());
  rig.replica.reset();
  Answer(2, coordinator_test::Found(one));
  Answer(3, coordinator_test::Found(two));
  rig.loop.Run();
  EXPECT_EQ(rig.engine.commits, 0);
}

}  // namespace
}  // namespace henge::node_test
