#include <gmock/gmock.h>

#include <set>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

std::vector<std::string> Keys(int count) {
  std::vector<std::string> keys;
  for (int i = 0; i < count; ++i) keys.push_back(absl::StrCat("key", i));
  return keys;
}

TEST(ClientBatchTest, ResultsComeInTheOrderOfTheKeysAndEachNodeGetsOneFrame) {
  FakeCluster cluster(3, 1);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  cluster.OnRequest([](const v1::Request& request) { return OkValue("value of " + request.key()); });
  auto keys = Keys(300);
  const auto frames = [&] { return cluster.node(0).frames() + cluster.node(1).frames() + cluster.node(2).frames(); };
  // A stream stands for its node a moment before it does for the client, which asks another one until then.
  for (size_t i = 0; i < 3; ++i) {
    while (cluster.node(i).frames() == 0) ASSERT_TRUE(client->Get(cluster.KeyOwnedBy(i)).ok());
  }
  const size_t before = frames();
  auto results = client->BatchGet(keys);
  ASSERT_EQ(results.size(), 300u);
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].ok());
    EXPECT_EQ(results[i]->values.at(0), "value of " + keys[i]);
  }
  EXPECT_EQ(frames(), before + 3);
}

TEST(ClientBatchTest, EachPutHasItsOwnOutcome) {
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(cluster.endpoints());
  cluster.OnRequest([](const v1::Request& request) {
    return request.key() == "bad" ? Failure(3, "no", v1::OUTCOME_NOT_APPLIED) : Ok();
  });
  auto results = client->BatchPut({{"a", "1", "ctx"}, {"bad", "2", ""}, {"", "3", ""}, {"b", "4", ""}});
  ASSERT_EQ(results.size(), 4u);
  EXPECT_TRUE(results[0].ok());
  EXPECT_EQ(results[1].status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(results[2].status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(results[3].ok());
  auto requests = cluster.node(0).requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].context(), "ctx");
  EXPECT_EQ(requests[0].value(), "1");
}

TEST(ClientBatchTest, ABatchMayBeLargerThanWhatMayBeInFlight) {
  FakeCluster cluster(1, 1);
  ClientOptions options;
  options.in_flight_max = 10;
  auto client = Client::Connect(cluster.endpoints(), options);
  auto results = client->BatchGet(Keys(95));
  for (const auto& result : results) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(cluster.node(0).requests().size(), 95u);
}

TEST(ClientBatchTest, LargeValuesAreSpreadOverFramesThatANodeTakes) {
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(cluster.endpoints());
  std::vector<PutItem> items;
  for (int i = 0; i < 20; ++i) items.push_back({absl::StrCat("k", i), std::string(1 << 20, 'v'), ""});
  for (const auto& result : client->BatchPut(std::move(items))) EXPECT_TRUE(result.ok()) << result.status;
  EXPECT_EQ(cluster.node(0).requests().size(), 20u);
  EXPECT_GE(cluster.node(0).frames(), 10u);
}

TEST(ClientBatchTest, AnEmptyBatchIsDone) {
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(cluster.endpoints());
  EXPECT_TRUE(client->BatchGet({}).empty());
  EXPECT_TRUE(client->BatchPut({}).empty());
}

}  // namespace
}  // namespace henge
