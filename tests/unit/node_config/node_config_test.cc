#include "node/config/node_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/config/initial_cluster.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

constexpr char kThree[] = "n1=h1:1/h1:2@east, n2=h2:1/h2:2@west,n3=[::1]:1/[::1]:2";

absl::StatusOr<NodeConfig> ConfigOf(std::vector<std::string> args) {
  ConfigInput input;
  input.args = std::move(args);
  input.read_file = [](const std::string&) -> absl::StatusOr<std::string> { return absl::NotFoundError("none"); };
  auto command = ParseCommand(input);
  if (!command.ok()) return command.status();
  return MakeNodeConfig(command->settings);
}

std::string ErrorOf(std::vector<std::string> args) {
  auto config = ConfigOf(std::move(args));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

TEST(NodeConfig, WithNothingGivenItIsASingleNodeOnLoopback) {
  auto config = ConfigOf({});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->single());
  EXPECT_EQ(config->name, "n1");
  EXPECT_EQ(config->client_listen, "127.0.0.1:7400");
  EXPECT_EQ(config->peer_listen, "127.0.0.1:7401");
  EXPECT_EQ(config->data_dir, "./henge-data");
  EXPECT_EQ(config->store.data_dir, "./henge-data");
  EXPECT_TRUE(config->token.empty());
  EXPECT_EQ(config->drain_timeout, std::chrono::seconds(10));
  EXPECT_TRUE(config->batch_scheduling);
}

TEST(NodeConfig, AMemberListensWhereTheInitialClusterSays) {
  auto config = ConfigOf({"--name", "n2", "--initial-cluster", kThree});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->single());
  ASSERT_EQ(config->members.size(), 3u);
  EXPECT_EQ(config->members[1].zone, "west");
  EXPECT_EQ(config->members[2].peer_address, "[::1]:2");
  EXPECT_EQ(config->client_listen, "h2:1");
  EXPECT_EQ(config->peer_listen, "h2:2");
  auto elsewhere = ConfigOf({"--name=n2", "--initial-cluster", kThree, "--client-listen=0.0.0.0:9"});
  ASSERT_TRUE(elsewhere.ok());
  EXPECT_EQ(elsewhere->client_listen, "0.0.0.0:9");
}

TEST(NodeConfig, AMemberMayReachOthersElsewhere) {
  auto config = ConfigOf({"--name=n2", "--initial-cluster", kThree, "--peer-dial=n1=proxy:7, n3=[::1]:9"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->peer_dial, (std::map<std::string, std::string>{{"n1", "proxy:7"}, {"n3", "[::1]:9"}}));
  EXPECT_EQ(config->members[0].peer_address, "h1:2") << "the cluster's own view is as it was";

  const std::vector<std::string> member = {"--name=n2", "--initial-cluster", kThree};
  const auto error = [&](const std::string& text) {
    std::vector<std::string> args = member;
    args.push_back("--peer-dial=" + text);
    return ErrorOf(args);
  };
  EXPECT_THAT(error("n4=h:1"), HasSubstr("\"n4\", which is no other member"));
  EXPECT_THAT(error("n2=h:1"), HasSubstr("\"n2\", which is no other member"));
  EXPECT_THAT(error("h:1"), HasSubstr("no NAME="));
  EXPECT_THAT(error("n1=h"), HasSubstr("is no HOST:PORT"));
  EXPECT_THAT(error("n1=h:1,n1=h:2"), HasSubstr("has two"));
  EXPECT_THAT(ErrorOf({"--peer-dial=n1=h:1"}), HasSubstr("for a cluster's member"));
}

TEST(NodeConfig, TheTimesOfGossipAreSettings) {
  auto config = ConfigOf({"--gossip-probe-interval=200ms", "--gossip-probe-timeout=80ms", "--gossip-suspicion-min=1s",
                          "--gossip-suspicion-max=2s"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->gossip.probe_interval, std::chrono::milliseconds(200));
  EXPECT_EQ(config->gossip.probe_timeout, std::chrono::milliseconds(80));
  EXPECT_EQ(config->gossip.suspicion.min, std::chrono::seconds(1));
  EXPECT_EQ(config->gossip.suspicion.max, std::chrono::seconds(2));
  EXPECT_THAT(ErrorOf({"--gossip-probe-timeout=1s"}), HasSubstr("not shorter than gossip.probe_interval"));
  EXPECT_THAT(ErrorOf({"--gossip-suspicion-min=16s"}), HasSubstr("gossip.suspicion_max is shorter"));
}

TEST(NodeConfig, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_THAT(ErrorOf({"--initial-cluster", kThree}), HasSubstr("say which of its members this node is"));
  EXPECT_THAT(ErrorOf({"--initial-cluster", kThree, "--name=n9"}), HasSubstr("the initial cluster doesn't list"));
  EXPECT_THAT(ErrorOf({"--initial-cluster=n1=h:1/h:2,n1=h:3/h:4", "--name=n1"}), HasSubstr("two members are named n1"));
  EXPECT_THAT(ErrorOf({"--initial-cluster=n1=h:1/h:2,n2=h:1/h:4", "--name=n1"}), HasSubstr("h:1"));
  EXPECT_THAT(ErrorOf({"--data-dir="}), HasSubstr("data_dir is empty"));
  EXPECT_THAT(ErrorOf({"--client-listen=nowhere"}), HasSubstr("no HOST:PORT"));
  EXPECT_THAT(ErrorOf({"--store-free-for-control=1GiB"}), HasSubstr("more than store.free_for_writes"));
  EXPECT_THAT(ErrorOf({"--store-free-for-writes=100MiB"}), HasSubstr("give at least 134217728 bytes"));
  EXPECT_THAT(ErrorOf({"--request-timeout=2m"}), HasSubstr("more than request.timeout_max"));
}

TEST(InitialCluster, AMistakeNamesItsEntry) {
  auto error = [](const char* text) { return std::string(ParseInitialCluster(text).status().message()); };
  EXPECT_THAT(error("n1"), HasSubstr("member \"n1\": no '='"));
  EXPECT_THAT(error("n1=h:1"), HasSubstr("no '/'"));
  EXPECT_THAT(error("n1=h/h:2"), HasSubstr("\"h\" is no HOST:PORT"));
  EXPECT_THAT(error("n1=h:0/h:2"), HasSubstr("no port from 1 to 65535"));
  EXPECT_THAT(error("n1=h:1/h:70000"), HasSubstr("no port"));
  EXPECT_THAT(error("n1=h:1x/h:2"), HasSubstr("no port"));
  EXPECT_THAT(error("n 1=h:1/h:2"), HasSubstr("letters"));
  EXPECT_THAT(error("=h:1/h:2"), HasSubstr("letters"));
  EXPECT_THAT(error(" , "), HasSubstr("lists no member"));
  EXPECT_THAT(error("n1=::1:1/h:2"), HasSubstr("no HOST:PORT"));
}

}  // namespace
}  // namespace henge
