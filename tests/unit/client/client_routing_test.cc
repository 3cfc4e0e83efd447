#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using testing::HasSubstr;

TEST(ClientRoutingTest, EachKeyGoesToItsFirstOwnerThoughOneNodeWasNamed) {
  FakeCluster cluster(3);
  auto client = Client::Connect(cluster.node(0).address());
  ASSERT_TRUE(client.ok()) << client.status();
  cluster.AwaitStreams();
  for (size_t i = 0; i < cluster.size(); ++i) {
    std::string key = cluster.KeyOwnedBy(i);
    EXPECT_TRUE(client->Get(key).ok());
    ASSERT_EQ(cluster.node(i).requests().size(), 1u);
    EXPECT_EQ(cluster.node(i).requests()[0].key(), key);
  }
}

TEST(ClientRoutingTest, EndpointsOnlyKeepsAwayFromEveryOtherNode) {
  FakeCluster cluster(3);
  ClientOptions options;
  options.endpoints_only = true;
  auto client = Client::Connect(cluster.node(1).address(), options);
  ASSERT_TRUE(client.ok()) << client.status();
  for (size_t i = 0; i < cluster.size(); ++i) EXPECT_TRUE(client->Get(cluster.KeyOwnedBy(i)).ok());
  EXPECT_EQ(cluster.node(1).requests().size(), 3u);
  EXPECT_TRUE(cluster.node(0).requests().empty());
  EXPECT_TRUE(cluster.node(2).requests().empty());
  EXPECT_EQ(client->Nodes().size(), 3u);
}

TEST(ClientRoutingTest, KeysOfOneTagGoToOneNode) {
  FakeCluster cluster(3);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(client->Get(absl::StrCat("{user7}:", i)).ok());
  EXPECT_EQ(cluster.Owner("{user7}").requests().size(), 10u);
}

TEST(ClientRoutingTest, ADeadFirstOwnerIsSkippedWithoutAFailedAttempt) {
  FakeCluster cluster(3);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  std::string key = cluster.KeyOwnedBy(1);
  cluster.node(1).Stop();
  // The stream's end may still be on its way to the client: that one read fails over.
  ASSERT_TRUE(client->Get(key).ok());
  size_t before = cluster.Owner(key, 1).requests().size();
  auto read = client->Get(key);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->facts.attempts, 1);
  EXPECT_EQ(cluster.Owner(key, 1).requests().size(), before + 1);
}

TEST(ClientRoutingTest, AnyNodeServesWhenNoOwnerIsThere) {
  FakeCluster cluster(3, 1);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  std::string key = cluster.KeyOwnedBy(2);
  cluster.node(2).Stop();
  EXPECT_TRUE(client->Get(key).ok());
  EXPECT_TRUE(client->Get(key).ok());
  EXPECT_EQ(cluster.node(0).requests().size() + cluster.node(1).requests().size(), 2u);
}

TEST(ClientRoutingTest, ANodeThatComesBackIsUsedAgain) {
  FakeCluster cluster(3);
  auto client = Client::Connect(cluster.endpoints());
  cluster.AwaitStreams();
  std::string key = cluster.KeyOwnedBy(0);
  cluster.node(0).Stop();
  ASSERT_TRUE(client->Get(key).ok());
  cluster.node(0).StartAgain();
  cluster.node(0).AwaitStreams(1);
  // Its stream stands for the node a moment before it does for the client.
  while (cluster.node(0).requests().empty()) ASSERT_TRUE(client->Get(key).ok());
}

TEST(ClientRoutingTest, ConnectNamesWhatItTriedAndWhatToDo) {
  std::string gone;
  {
    FakeNode node;
    gone = node.address();
  }
  auto client = Client::Connect(gone);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(gone));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("Connection refused"));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("Is henged running"));
}

TEST(ClientRoutingTest, ConnectNeedsOnlyOneOfTheEndpoints) {
  std::string gone;
  {
    FakeNode node;
    gone = node.address();
  }
  FakeCluster cluster(1, 1);
  auto client = Client::Connect(absl::StrCat(gone, ",", cluster.endpoints()));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(client->Get("k").ok());
}

TEST(ClientRoutingTest, ANodeThatAcceptsButNeverAnswersIsGivenUpAfterTheConnectTimeout) {
  // A listener nobody accepts from: the kernel completes the handshake.
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(fd, 8), 0);
  socklen_t length = sizeof(address);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  ClientOptions options;
  options.connect_timeout = Millis(200);
  auto begun = std::chrono::steady_clock::now();
  auto client = Client::Connect(absl::StrCat("127.0.0.1:", ntohs(address.sin_port)), options);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  close(fd);
}

TEST(ClientRoutingTest, NodesAndOwnersAreThoseOfTheClusterState) {
  FakeCluster cluster(3, 2);
  auto client = Client::Connect(cluster.node(1).address());
  ASSERT_EQ(client->Nodes().size(), 3u);
  EXPECT_EQ(client->Nodes()[0].name, "n1");
  EXPECT_EQ(client->Nodes()[2].address, cluster.node(2).address());
  auto owners = client->Owners("some key");
  ASSERT_EQ(owners.size(), 2u);
  EXPECT_EQ(owners[0].address, cluster.Owner("some key", 0).address());
  EXPECT_EQ(owners[1].address, cluster.Owner("some key", 1).address());
  EXPECT_EQ(client->state_version(), cluster.state().version.value());
}

}  // namespace
}  // namespace henge
