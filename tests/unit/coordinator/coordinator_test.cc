#include "coordinator/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {
namespace {

const Object kRecord = MakeObject({{.store = 2, .counter = 2, .value = "v"}});

TEST(Coordinator, AboveItsBoundRefusesAtOnceWithATimeToComeBack) {
  Rig rig(3, {.in_flight_max = 2});
  auto first = rig.Send(Get());
  auto second = rig.Send(Put("v"));
  auto refused = rig.Send(Put("v"));
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status));
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
  EXPECT_GT((*refused)->retry_after_ms, 0);
  EXPECT_EQ(rig.coordinator->figures().refused, 1u);
  EXPECT_EQ(rig.coordinator->figures().in_flight, 2u);
  rig.Ack(2);
  ASSERT_TRUE(second->has_value());
  auto admitted = rig.Send(Get());
  EXPECT_FALSE(admitted->has_value());
}

TEST(Coordinator, H49BoundsTheBytesInFlight) {
  Rig rig(3, {.in_flight_bytes_max = 1000});
  rig.Send(Put(std::string(900, 'v')));
  auto refused = rig.Send(Put(std::string(200, 'v'), "other"));
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted((*refused)->status));
}

TEST(Coordinator, DrainingRefusesNewRequestsAndWaitsForTheOthers) {
  Rig rig;
  auto under_way = rig.Send(Put("v"));
  bool idle = false;
  rig.coordinator->Drain([&idle] { idle = true; });
  EXPECT_FALSE(idle);
  auto refused = rig.Send(Put("w"));
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(absl::IsUnavailable((*refused)->status));
  EXPECT_EQ((*refused)->outcome, Outcome::kNotApplied);
  rig.Ack(2);
  EXPECT_TRUE(under_way->has_value());
  EXPECT_TRUE(idle);
}

TEST(Coordinator, DrainingAnIdleOneIsDoneAtOnce) {
  Rig rig;
  bool idle = false;
  rig.coordinator->Drain([&idle] { idle = true; });
  EXPECT_TRUE(idle);
}

TEST(Coordinator, AnswersThatComeAfterItsEndTouchNothing) {
  Rig rig;
  rig.local.records["k"] = kRecord;
  rig.local.hold_commits = true;
  auto get = rig.Send(Get());
  auto put = rig.Send(Put("v"));
  rig.coordinator.reset();
  rig.AnswerRead(rig.ReadPeer(), Found(kRecord));
  rig.AnswerMerge(2, MergeReply{1});
  rig.AnswerMerge(3, MergeReply{9});
  rig.local.ReleaseCommits();
  rig.loop.Pass(std::chrono::seconds(10));
  EXPECT_FALSE(get->has_value());
  EXPECT_FALSE(put->has_value());
}

TEST(Coordinator, AnEndInTheMiddleOfATurnLeavesNothingBehind) {
  Rig rig;
  rig.local.on_disk = true;
  bool replied = false;
  rig.coordinator->Handle(Get(), Via::kClient, [&replied](ClientReply) { replied = true; });
  rig.coordinator.reset();
  rig.loop.Run();
  rig.local.ReleaseReads();
  EXPECT_FALSE(replied);
  EXPECT_TRUE(rig.transport.sent.empty());
}

TEST(Coordinator, ANewRingIsSeenByRequestsUnderWayAfterTheirWait) {
  Rig rig;
  rig.local.hold_mints = true;
  rig.Send(Put("v"));
  ClusterState next = rig.ring->state();
  next.version = StateVersion(2);
  for (LayoutEpoch& epoch : next.epochs) epoch = LayoutEpoch(2);
  rig.coordinator->UpdateRing(std::make_shared<const Ring>(std::move(next)));
  rig.local.ReleaseReads();
  ASSERT_EQ(rig.transport.Count<MergeRequest>(), 2);
  EXPECT_EQ(std::get<MergeRequest>(rig.transport.sent[0].request).epoch, LayoutEpoch(2));
}

TEST(Coordinator, ASingleNodeServesAlone) {
  Rig rig(1);
  auto put = rig.Send(Put("v"));
  ASSERT_TRUE(put->has_value());
  EXPECT_TRUE((*put)->status.ok()) << (*put)->status;
  EXPECT_EQ((*put)->facts.needed, 1u);
  auto get = rig.Send(Get());
  ASSERT_TRUE(get->has_value());
  EXPECT_THAT((*get)->values, testing::ElementsAre("v"));
  auto deleted = rig.Send(Delete());
  EXPECT_TRUE((*deleted)->status.ok());
  auto gone = rig.Send(Get());
  EXPECT_TRUE(absl::IsNotFound((*gone)->status));
}

TEST(Coordinator, CountsWhatItDoes) {
  Rig rig(1);
  rig.Send(Put("v"));
  rig.Send(Get());
  rig.Send(Get("nothing"));
  rig.Send(Delete());
  const CoordinatorFigures figures = rig.coordinator->figures();
  EXPECT_EQ(figures.puts, 1u);
  EXPECT_EQ(figures.gets, 2u);
  EXPECT_EQ(figures.deletes, 1u);
  EXPECT_EQ(figures.in_flight, 0u);
}

}  // namespace
}  // namespace henge::coordinator_test
