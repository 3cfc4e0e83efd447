#include "node/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node_whole/fake_replica_caller.h"

namespace henge {
namespace {

using namespace coordinator_test;
using node_test::FakeReplicaCaller;

class ExplainTest : public ::testing::Test {
 protected:
  absl::StatusOr<Explanation> Explain(ExplainQuery query) {
    std::optional<absl::StatusOr<Explanation>> result;
    explainer_.Run(std::move(query), [&result](absl::StatusOr<Explanation> e) { result = std::move(e); });
    loop_.Run();
    EXPECT_TRUE(result.has_value());
    return *std::move(result);
  }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  FakeReplicaCaller replicas_{loop_};
  RingPtr ring_ = MakeRing(5);
  Explainer explainer_{MemberId(1), clock_, replicas_, ring_};
};

TEST_F(ExplainTest, ShowsWhereAKeyLivesAndWhatEachOwnerHolds) {
  const PartitionId partition = PartitionOf("k");
  const auto owners = ring_->Owners(partition);
  replicas_.Put(owners[0], "k", MakeObject({{1, 1, "a"}}));
  replicas_.Put(owners[1], "k", MakeObject({{1, 1, "a"}, {2, 1, "b"}}));
  replicas_.down.insert(owners[2]);
  const auto explained = Explain({"", "k"});
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_EQ(explained->partition, partition);
  EXPECT_EQ(explained->segment, SegmentOf(BucketId(1), "k"));
  EXPECT_EQ(explained->owners, std::vector<MemberId>(owners.begin(), owners.end()));
  EXPECT_EQ(explained->fallbacks.size(), 2u);
  ASSERT_EQ(explained->replicas.size(), 3u);
  EXPECT_EQ(explained->replicas[0].object.siblings().size(), 1u);
  EXPECT_EQ(explained->replicas[1].object.siblings().size(), 2u);
  EXPECT_TRUE(explained->replicas[0].mark.has_value());
  EXPECT_EQ(explained->replicas[2].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(explained->replicas_equal);
}

TEST_F(ExplainTest, EqualMeansThatAllAnsweredTheSame) {
  EXPECT_TRUE(Explain({"", "absent"})->replicas_equal);
  for (MemberId owner : ring_->Owners(PartitionOf("k"))) replicas_.Put(owner, "k", MakeObject({{1, 1, "a"}}));
  EXPECT_TRUE(Explain({"", "k"})->replicas_equal);
  replicas_.down.insert(ring_->Owners(PartitionOf("k"))[1]);
  EXPECT_FALSE(Explain({"", "k"})->replicas_equal);
}

TEST_F(ExplainTest, ShowsWhatFallbacksKeep) {
  const std::vector<MemberId> fallbacks = ring_->Fallbacks(PartitionOf("k"));
  replicas_.hints[{fallbacks[1], "k"}] = MakeObject({{1, 1, "a"}});
  const auto explained = Explain({"", "k"});
  ASSERT_EQ(explained->hints.size(), 1u);
  EXPECT_EQ(explained->hints[0].member, fallbacks[1]);
  EXPECT_EQ(explained->hints[0].object.siblings().size(), 1u);
}

TEST_F(ExplainTest, BadQueriesAreRefused) {
  EXPECT_EQ(Explain({"", ""}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Explain({"", std::string(5000, 'k')}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Explain({"nonsense", "k"}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace henge
