#include "node/node.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/antientropy/recovery_note.h"
#include "node/identity.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge {
namespace {

using ::testing::ElementsAre;
using namespace coordinator_test;
using node_test::FakeStoreEngine;

// One member with two shards on one loop.
class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    auto state = MakeInitialState("t", 3, {{.name = "n1"}});
    EXPECT_TRUE(state.ok());
    NodeOptions options;
    options.self = MemberId(1);
    options.state = *std::move(state);
    NodeEnvironment environment{{}, engine_};
    for (int i = 0; i < 2; ++i) environment.shards.push_back({clock_, loop_, random_, transport_, tracer_});
    node_ = std::make_unique<Node>(std::move(options), std::move(environment));
  }

  ClientReply Submit(ClientRequest request) {
    std::optional<ClientReply> result;
    node_->Submit(std::move(request), [&result](ClientReply reply) { result = std::move(reply); });
    loop_.Run();
    EXPECT_TRUE(result.has_value());
    return result.has_value() ? *std::move(result) : ClientReply{};
  }
  ClientReply Put(const std::string& key, const std::string& value) {
    ClientRequest request;
    request.op = ClientOp::kPut;
    request.key = key;
    request.value = value;
    return Submit(std::move(request));
  }
  ClientReply Get(const std::string& key) {
    ClientRequest request;
    request.key = key;
    return Submit(std::move(request));
  }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  CountingRandom random_{9};
  RecordingTracer tracer_;
  FakeTransport transport_{loop_};
  FakeStoreEngine engine_{loop_, StoreId(77)};
  std::unique_ptr<Node> node_;
};

// The first of three members, with two shards; the others are the test's.
class ThreeMembersTest : public NodeTest {
 protected:
  ThreeMembersTest() {
    auto state = MakeInitialState("t", 3, {{.name = "n1"}, {.name = "n2"}, {.name = "n3"}});
    EXPECT_TRUE(state.ok());
    NodeOptions options;
    options.self = MemberId(1);
    // A store that was compared with the others before: what it reads counts.
    EXPECT_TRUE(ClaimStore(engine_, *state, MemberId(1)).ok());
    EXPECT_TRUE(RecoveryNote::Store(engine_, {}).ok());
    options.state = *std::move(state);
    NodeEnvironment environment{{}, engine_};
    for (int i = 0; i < 2; ++i) environment.shards.push_back({clock_, loop_, random_, transport_, tracer_});
    node_ = std::make_unique<Node>(std::move(options), std::move(environment));
  }

  std::string KeyOfShard(int shard, int n) {
    for (int i = 0;; ++i) {
      std::string key = "k" + std::to_string(i);
      if (node_->ShardOfPartition(PartitionOf(key)) == shard && n-- == 0) return key;
    }
  }
  // Gets `key`; member 3 answers, member 2 never does. Whether it was answered without a delay.
  bool GetWithoutMember2(const std::string& key) {
    std::optional<ClientReply> result;
    node_->Submit(ClientRequest{.key = key}, [&result](ClientReply reply) { result = std::move(reply); });
    loop_.Run();
    const auto answer = [this] {
      for (size_t open : transport_.Open<ReadRequest>(MemberId(3))) transport_.Answer(open, ReadReply{});
    };
    answer();
    const bool at_once = result.has_value();
    loop_.Pass(std::chrono::milliseconds(25));
    answer();
    EXPECT_TRUE(result.has_value());
    return at_once;
  }
};

TEST_F(ThreeMembersTest, WhatOneShardLearnsOfAPeerHoldsForTheWholeNode) {
  ASSERT_TRUE(node_->Start().ok());
  for (int n = 0; n < 20 && tracer_.events["PeerDisqualified"] == 0; ++n) GetWithoutMember2(KeyOfShard(0, n));
  ASSERT_EQ(tracer_.events["PeerDisqualified"], 1);
  for (int n = 0; n < 10; ++n) EXPECT_TRUE(GetWithoutMember2(KeyOfShard(1, n))) << "the other shard, read " << n;
  EXPECT_EQ(tracer_.events["PeerDisqualified"], 1);
}

TEST_F(NodeTest, BothShardsServeTheirPartitions) {
  ASSERT_TRUE(node_->Start().ok());
  std::set<int> shards;
  for (int i = 0; i < 20; ++i) {
    const std::string key = "k" + std::to_string(i);
    shards.insert(node_->ShardOfPartition(PartitionOf(key)));
    EXPECT_TRUE(Put(key, "v").status.ok());
    EXPECT_THAT(Get(key).values, ElementsAre("v"));
  }
  EXPECT_EQ(shards.size(), 2u);
  std::optional<NodeFigures> figures;
  node_->CollectFigures([&figures](NodeFigures f) { figures = std::move(f); });
  loop_.Run();
  ASSERT_TRUE(figures.has_value());
  EXPECT_EQ(figures->coordinator.puts, 20u);
  EXPECT_EQ(figures->coordinator.gets, 20u);
  EXPECT_EQ(figures->replica.mints, 20u);
  EXPECT_EQ(figures->owned_partitions, static_cast<uint64_t>(kPartitionCount));
  EXPECT_EQ(figures->store_id, StoreId(77));
}

TEST_F(NodeTest, PeersAreServedByTheShardOfTheKeyAndStrangersByNone) {
  ASSERT_TRUE(node_->Start().ok());
  ASSERT_TRUE(Put("k", "v").status.ok());
  const auto read_for = [this](uint32_t from) {
    std::optional<absl::StatusOr<PeerReply>> result;
    node_->HandlePeer(MemberId(from), ReadRequest{node_test::Key("k"), LayoutEpoch(1), std::nullopt},
                      clock_.now + std::chrono::seconds(1),
                      [&result](absl::StatusOr<PeerReply> reply) { result = std::move(reply); });
    loop_.Run();
    return result.has_value() ? *std::move(result) : absl::UnknownError("no answer");
  };
  const auto known = read_for(1);
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_TRUE(std::get<ReadReply>(*known).found);
  // P32: whoever was given up has the number of no member, whatever else of its message fits.
  EXPECT_EQ(read_for(2).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(NodeTest, ExplainReachesTheOwnReplica) {
  ASSERT_TRUE(node_->Start().ok());
  ASSERT_TRUE(Put("k", "v").status.ok());
  std::optional<absl::StatusOr<Explanation>> result;
  node_->Explain({"default", "k"}, [&result](absl::StatusOr<Explanation> e) { result = std::move(e); });
  loop_.Run();
  ASSERT_TRUE(result.has_value() && result->ok());
  ASSERT_EQ((*result)->replicas.size(), 1u);
  EXPECT_TRUE((*result)->replicas[0].found);
  EXPECT_EQ(transport_.sent.size(), 0u);
}

TEST_F(NodeTest, P30AnotherClustersStoreIsRefusedBeforeAnythingElse) {
  auto other = MakeInitialState("other", 3, {{.name = "n1"}});
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(ClaimStore(engine_, *other, MemberId(1)).ok());
  EXPECT_EQ(node_->Start().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(NodeTest, DrainAnswersWhatIsUnderWayAndRefusesTheRest) {
  ASSERT_TRUE(node_->Start().ok());
  engine_.hold_commits = true;
  std::optional<ClientReply> under_way;
  ClientRequest put;
  put.op = ClientOp::kPut;
  put.key = "k";
  put.value = "v";
  node_->Submit(put, [&under_way](ClientReply reply) { under_way = std::move(reply); });
  loop_.Run();
  bool idle = false;
  node_->Drain([&idle] { idle = true; });
  loop_.Run();
  EXPECT_FALSE(idle);
  EXPECT_EQ(Put("later", "v").status.code(), absl::StatusCode::kUnavailable);
  engine_.ReleaseCommits();
  loop_.Run();
  EXPECT_TRUE(idle);
  ASSERT_TRUE(under_way.has_value());
  EXPECT_TRUE(under_way->status.ok()) << under_way->status;
}

}  // namespace
}  // namespace henge
