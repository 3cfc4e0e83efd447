// The cluster state of three real nodes: stores are bound, buckets are made at one node and used at another.
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "henge/admin.h"
#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class HengedStateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartAll());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster_.AwaitState(i, 2)) << "P31: bound by all";
  }

  absl::StatusOr<uint64_t> Create(int node, const std::string& name, const std::string& conflict = "") {
    return CreateBucket(cluster_.client_address(node), {.name = name, .conflict = conflict}, seconds(6));
  }
  std::string Names(int node) {
    std::string names;
    auto buckets = ListBuckets(cluster_.client_address(node), seconds(5));
    if (!buckets.ok()) return std::string(buckets.status().message());
    for (const BucketView& bucket : *buckets) names += bucket.name + " ";
    return names;
  }
  absl::Status PutIn(int node, const std::string& bucket) {
    v1::Request request;
    request.set_bucket(bucket);
    request.set_key("k");
    request.set_value("v");
    request.set_budget_us(5'000'000);
    v1::Reply reply;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(10));
    const grpc::Status status = cluster_.client(node).kv().Put(&context, request, &reply);
    return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
  }

  HengedCluster cluster_{3};
};

TEST_F(HengedStateTest, ABucketMadeAtOneNodeIsUsableThroughAnother) {
  EXPECT_EQ(PutIn(1, "cache").code(), absl::StatusCode::kInvalidArgument) << "no such bucket";
  const auto version = Create(0, "cache", "lww");
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(*version, 3u);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster_.AwaitState(i, *version));
  EXPECT_EQ(PutIn(1, "cache"), absl::OkStatus());
  EXPECT_EQ(Names(2), "default cache ");
  ASSERT_TRUE(DropBucket(cluster_.client_address(2), "cache", seconds(6)).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster_.AwaitState(i, 4));
  EXPECT_EQ(PutIn(1, "cache").code(), absl::StatusCode::kInvalidArgument) << "no such bucket";
}

TEST_F(HengedStateTest, P31OfCreatesOfOneNameAtOnceOneWins) {
  for (int round = 0; round < 5; ++round) {
    absl::StatusOr<uint64_t> results[3];
    std::vector<std::thread> operators;
    operators.reserve(3);
    for (int i = 0; i < 3; ++i) {
      operators.emplace_back([&, i] { results[i] = Create(i, "b" + std::to_string(round)); });
    }
    for (std::thread& one : operators) one.join();
    int won = 0;
    for (const auto& result : results) {
      won += result.ok() ? 1 : 0;
      if (!result.ok()) {
        EXPECT_EQ(result.status().code(), absl::StatusCode::kAlreadyExists) << result.status();
      }
    }
    EXPECT_EQ(won, 1);
  }
}

TEST_F(HengedStateTest, OneOfThreeDownIsEnoughTwoAreNotAndARestartedNodeCatchesUp) {
  cluster_.process(2).Kill();
  const auto version = Create(0, "cache");
  ASSERT_TRUE(version.ok()) << version.status();
  cluster_.process(1).Kill();
  const absl::Status refused = Create(0, "more").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2 of 3 members must take part"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("n2"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("n3"));
  EXPECT_EQ(PutIn(0, "cache").code(), absl::StatusCode::kUnavailable);

  ASSERT_TRUE(cluster_.Start(1));
  ASSERT_TRUE(cluster_.Start(2));
  ASSERT_TRUE(cluster_.AwaitState(2, *version)) << "it was down when the bucket was made";
  ASSERT_TRUE(cluster_.AwaitState(1, *version));
  EXPECT_EQ(PutIn(2, "cache"), absl::OkStatus());
  EXPECT_EQ(Names(2), "default cache ");
}

TEST_F(HengedStateTest, P31AWipedNodeIsBoundAnewByTheOthers) {
  ASSERT_TRUE(Create(0, "cache").ok());
  cluster_.process(2).Kill();
  std::filesystem::remove_all(cluster_.DataDir(2));
  ASSERT_TRUE(cluster_.Start(2));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster_.AwaitState(i, 4)) << "version 4 binds its new store";
  EXPECT_EQ(Names(2), "default cache ");
  cluster_.process(0).Kill();
  EXPECT_TRUE(Create(1, "more").ok()) << "its vote counts again";
}

// P31: a listed member never starts; an operator says so, and the others go on without it.
TEST(HengedBootstrapTest, P31TwoOfThreeGoOnWithoutOneThatNeverStarts) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.Start(0));
  ASSERT_TRUE(cluster.Start(1));
  ASSERT_TRUE(cluster.AwaitPeers(0, 1));
  const auto create = [&cluster] { return CreateBucket(cluster.client_address(0), {.name = "cache"}, seconds(2)); };
  EXPECT_EQ(create().status().code(), absl::StatusCode::kUnavailable) << "not everybody has met";
  absl::Status wrong;
  const bool refused = HengedCluster::AwaitTrue([&] {
    wrong = BootstrapWithout(cluster.client_address(0), {"n2"}, seconds(5)).status();
    return absl::IsFailedPrecondition(wrong);  // once n2 has answered it
  });
  EXPECT_TRUE(refused) << wrong;
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("n2 has started"));
  const auto version = BootstrapWithout(cluster.client_address(0), {"n3"}, seconds(5));
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(*version, 2u);
  EXPECT_TRUE(create().ok());
  ASSERT_TRUE(cluster.Start(2));
  ASSERT_TRUE(cluster.AwaitState(0, 4)) << "which binds n3";
  ASSERT_TRUE(cluster.AwaitWhole(2));
}

}  // namespace
}  // namespace henge::chaos
