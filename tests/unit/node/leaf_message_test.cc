// What keepers of marks ask and are told: bytes, and who may answer (H27).
#include "node/hints/leaf_message.h"

#include <gtest/gtest.h>

#include "node/hints/leaf_service.h"
#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

LeafAsk SampleAsk() {
  LeafAsk ask{.partition = PartitionId(16'383)};
  ask.parameters.cluster = ClusterId(7);
  ask.parameters.epoch = LayoutEpoch(300);
  ask.segments.set(0);
  ask.segments.set(17);
  ask.segments.set(255);
  return ask;
}

TEST(LeafMessageTest, RoundTrips) {
  EXPECT_EQ(*LeafAsk::Decode(SampleAsk().Encode()), SampleAsk());
  LeafAsk all = SampleAsk();
  all.segments.set();
  EXPECT_EQ(*LeafAsk::Decode(all.Encode()), all);
  const LeafAnswer answer{{1, UINT64_MAX, 0}};
  EXPECT_EQ(*LeafAnswer::Decode(answer.Encode()), answer);
}

TEST(LeafMessageTest, WhatIsCutShortOrOfALaterVersionIsRefused) {
  const std::string ask = SampleAsk().Encode();
  for (size_t size = 0; size < ask.size(); ++size) EXPECT_FALSE(LeafAsk::Decode(ask.substr(0, size)).ok()) << size;
  EXPECT_TRUE(absl::IsInvalidArgument(LeafAsk::Decode(ask + "x").status()));
  std::string disordered = ask;
  std::swap(disordered[disordered.size() - 1], disordered[disordered.size() - 2]);
  EXPECT_TRUE(absl::IsInvalidArgument(LeafAsk::Decode(disordered).status()));
  std::string later = ask;
  later[0] = kLeafMessageVersion + 1;
  EXPECT_TRUE(absl::IsFailedPrecondition(LeafAsk::Decode(later).status()));
  const std::string answer = LeafAnswer{{1, 2}}.Encode();
  for (size_t size = 0; size < answer.size(); ++size) EXPECT_FALSE(LeafAnswer::Decode(answer.substr(0, size)).ok());
  EXPECT_FALSE(LeafAnswer::Decode(answer + "x").ok());
}

class LeafServiceTest : public ::testing::Test {
 protected:
  LeafServiceTest() {
    ask_.partition = rig_.key.partition;
    ask_.parameters.cluster = rig_.ring->cluster();
    ask_.parameters.epoch = rig_.ring->Epoch(ask_.partition);
    ask_.segments.set();
  }
  absl::StatusOr<std::string> Ask(MemberId self) {
    auto [at, is_new] = services_.try_emplace(self, self, rig_.environment(), rig_.engine, rig_.ring);
    absl::StatusOr<std::string> answer = absl::UnknownError("no answer");
    at->second.Serve(MemberId(9), ask_.Encode(), MonotonicTime::max(), [&answer](auto reply) { answer = reply; });
    return answer;
  }
  HintRig rig_;
  LeafAsk ask_;
  std::map<MemberId, LeafService> services_;
};

TEST_F(LeafServiceTest, AnOwnerTellsItsLeaves) {
  const absl::StatusOr<std::string> answer = Ask(rig_.target);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(LeafAnswer::Decode(*answer)->hashes.size(), 256u);
}

TEST_F(LeafServiceTest, H27OthersAndOtherParametersAreRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(MemberId(1)).status())) << "no owner";
  ask_.parameters.epoch = LayoutEpoch(99);
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(rig_.target).status()));
  ask_.parameters.epoch = rig_.ring->Epoch(ask_.partition);
  ask_.parameters.hash_version = 9;
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(rig_.target).status()));
  EXPECT_EQ(rig_.tracer.events["LeavesRefused"], 3);
  EXPECT_FALSE(Ask(rig_.target).ok());
  EXPECT_EQ(rig_.tracer.events["LeavesRefused"], 3) << "said once";
  EXPECT_EQ(services_.at(rig_.target).refused(), 3u) << "counted each time";
}

}  // namespace
}  // namespace henge::node_test
