// Three nodes: quorums, a node that dies, a node that comes back.
#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(HengedCluster, WhatOneNodeTakesTheOthersServe) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  for (int i = 0; i < 30; ++i) {
    const auto put = cluster.client(i % 3).Put("k" + std::to_string(i), "v" + std::to_string(i));
    ASSERT_TRUE(put.ok()) << put.status.error_message();
    EXPECT_GE(put.reply.facts().durable(), 2u);
  }
  for (int i = 0; i < 30; ++i) {
    const auto get = cluster.client((i + 1) % 3).Get("k" + std::to_string(i));
    ASSERT_TRUE(get.ok()) << get.status.error_message();
    EXPECT_THAT(get.reply.values(), ElementsAre("v" + std::to_string(i)));
  }
}

TEST(HengedCluster, ADeadNodeStopsNoQuorumAndCatchesUpByReads) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  ASSERT_TRUE(cluster.client(0).Put("before", "1").ok());
  cluster.process(2).Kill();
  for (int i = 0; i < 50; ++i) {
    const auto put = cluster.client(i % 2).Put("k" + std::to_string(i), "v");
    ASSERT_TRUE(put.ok()) << put.status.error_message();
  }
  EXPECT_THAT(cluster.client(1).Get("before").reply.values(), ElementsAre("1"));

  // With two of three down, a write that asks for two copies says so.
  cluster.process(1).Kill();
  const auto alone = cluster.client(0).Put("alone", "v");
  EXPECT_EQ(alone.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(alone.status.error_message(), HasSubstr("n2"));

  ASSERT_TRUE(cluster.Start(1));
  ASSERT_TRUE(cluster.Start(2));
  ASSERT_TRUE(cluster.AwaitPeers(0, 2));
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  for (int i = 0; i < 50; ++i) {
    const auto get = cluster.client(2).Get("k" + std::to_string(i), 3);
    ASSERT_TRUE(get.ok()) << get.status.error_message();
    EXPECT_THAT(get.reply.values(), ElementsAre("v"));
  }
}

TEST(HengedCluster, EveryNodeEndsCleanlyOnSigterm) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  ASSERT_TRUE(cluster.client(0).Put("k", "v").ok());
  for (int i = 0; i < 3; ++i) cluster.process(i).Signal(SIGTERM);
  for (int i = 0; i < 3; ++i) {
    const auto exit = cluster.process(i).AwaitExit();
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 0) << cluster.process(i).Stderr();
  }
}

}  // namespace
}  // namespace henge::chaos
