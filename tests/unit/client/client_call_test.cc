// One call against one node: what goes over the wire, and what comes back.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ClientCallTest : public testing::Test {
 protected:
  ClientCallTest() : cluster_(1, 1), client_(*Client::Connect(cluster_.endpoints())) {}

  FakeNode& node() { return cluster_.node(0); }

  FakeCluster cluster_;
  Client client_;
};

TEST_F(ClientCallTest, GetReturnsValuesContextAndFacts) {
  node().OnRequest([](const v1::Request&) {
    v1::Reply reply = OkValue("one");
    reply.add_values("two");
    reply.mutable_facts()->set_needed(2);
    reply.mutable_facts()->set_answered(3);
    reply.mutable_facts()->set_stale(1);
    reply.mutable_facts()->set_coordinator(7);
    return reply;
  });
  auto read = client_.Get("k");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->values, ElementsAre("one", "two"));
  EXPECT_TRUE(read->has_conflict());
  EXPECT_EQ(read->context, "context");
  EXPECT_EQ(read->facts.needed, 2u);
  EXPECT_EQ(read->facts.answered, 3u);
  EXPECT_EQ(read->facts.stale, 1u);
  EXPECT_EQ(read->facts.coordinator, 7u);
  EXPECT_EQ(read->facts.attempts, 1);
}

TEST_F(ClientCallTest, AnAbsentKeyIsNoErrorAndItsContextIsKept) {
  node().OnRequest([](const v1::Request&) {
    v1::Reply reply = Failure(static_cast<int>(absl::StatusCode::kNotFound), "no value under this key");
    reply.set_context("seen the delete");
    return reply;
  });
  auto read = client_.Get("k");
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->found());
  EXPECT_EQ(read->context, "seen the delete");
}

TEST_F(ClientCallTest, TheRequestSaysAllThatTheCallerAskedFor) {
  CallOptions options;
  options.bucket = "carts";
  options.quorum = Quorum::Of(3).Strict();
  options.timeout = Millis(2000);
  options.expires_at = std::chrono::system_clock::time_point(std::chrono::milliseconds(1234567890123));
  EXPECT_TRUE(client_.Put("key", std::string("va\0lue", 6), "ctx", options).ok());
  v1::Request request = node().requests().at(0);
  EXPECT_EQ(request.op(), v1::OP_PUT);
  EXPECT_EQ(request.bucket(), "carts");
  EXPECT_EQ(request.key(), "key");
  EXPECT_EQ(request.value(), std::string("va\0lue", 6));
  EXPECT_EQ(request.context(), "ctx");
  EXPECT_EQ(request.quorum(), 3u);
  EXPECT_EQ(request.mode(), v1::QUORUM_MODE_STRICT);
  EXPECT_EQ(request.expires_at_ms(), 1234567890123);
  EXPECT_FALSE(request.retry());
  EXPECT_GT(request.budget_us(), 1'000'000u);
  EXPECT_LT(request.budget_us(), 2'000'000u) << "the node's own answer must have time to come back";
}

TEST_F(ClientCallTest, DefaultsStayUnsaidOnTheWire) {
  EXPECT_TRUE(client_.Get("key").ok());
  v1::Request request = node().requests().at(0);
  EXPECT_EQ(request.bucket(), "");
  EXPECT_FALSE(request.has_quorum());
  EXPECT_EQ(request.op_id_high(), 0u);
}

TEST_F(ClientCallTest, EveryMutationHasAnOpIdOfItsOwn) {
  client_.Put("a", "1");
  client_.Put("a", "1");
  client_.Delete("a", "seen");
  auto requests = node().requests();
  ASSERT_EQ(requests.size(), 3u);
  std::set<uint64_t> lows;
  for (const auto& request : requests) {
    EXPECT_NE(request.op_id_high(), 0u);
    EXPECT_EQ(request.op_id_high(), requests[0].op_id_high());
    lows.insert(request.op_id_low());
  }
  EXPECT_EQ(lows.size(), 3u);
  EXPECT_EQ(requests[2].op(), v1::OP_DELETE);
}

// A repetition of the request that comes after its ack must not cover what was written in between: the context says
// what is deleted, in all attempts.
TEST_F(ClientCallTest, ADeleteWithoutAContextReadsAndDeletesWhatItSaw) {
  node().OnRequest([](const v1::Request& request) {
    v1::Reply reply = request.op() == v1::OP_GET ? OkValue("v") : Ok();
    if (request.op() == v1::OP_GET) reply.set_context("seen by the read");
    return reply;
  });
  EXPECT_TRUE(client_.Delete("k", {}, {.bucket = "carts", .quorum = Quorum::Of(3).Strict()}).ok());
  auto requests = node().requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].op(), v1::OP_GET);
  EXPECT_EQ(requests[0].bucket(), "carts");
  EXPECT_FALSE(requests[0].has_quorum()) << "3 is the quorum of the delete; the read has its own default";
  EXPECT_EQ(requests[1].op(), v1::OP_DELETE);
  EXPECT_EQ(requests[1].context(), "seen by the read");
  EXPECT_EQ(requests[1].quorum(), 3u);
}

TEST_F(ClientCallTest, ADeleteWhoseReadFailsIsNotApplied) {
  node().OnRequest([](const v1::Request&) {
    v1::Reply reply;
    reply.set_code(static_cast<uint32_t>(absl::StatusCode::kInvalidArgument));
    reply.set_message("no such bucket");
    return reply;
  });
  const WriteResult result = client_.Delete("k");
  EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result.outcome, Outcome::kNotApplied);
  EXPECT_EQ(node().requests().size(), 1u);
}

TEST_F(ClientCallTest, AWriteReturnsItsOutcomeContextAndFacts) {
  node().OnRequest([](const v1::Request&) {
    v1::Reply reply = Ok();
    reply.set_context("next");
    reply.set_siblings(2);
    reply.mutable_facts()->set_primaries(2);
    reply.mutable_facts()->set_fallbacks(1);
    reply.mutable_facts()->set_durable(3);
    return reply;
  });
  WriteResult write = client_.Put("k", "v");
  EXPECT_TRUE(write.ok());
  EXPECT_EQ(write.outcome, Outcome::kApplied);
  EXPECT_EQ(write.context, "next");
  EXPECT_EQ(write.siblings, 2u);
  EXPECT_EQ(write.facts.primaries, 2u);
  EXPECT_EQ(write.facts.fallbacks, 1u);
  EXPECT_EQ(write.facts.durable, 3u);
}

TEST_F(ClientCallTest, ErrorsKeepTheNodesCodeAndWords) {
  node().OnRequest([](const v1::Request&) { return Failure(3, "no bucket is named 'x'", v1::OUTCOME_NOT_APPLIED); });
  WriteResult write = client_.Put("k", "v");
  EXPECT_EQ(write.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(write.status.message(), "no bucket is named 'x'");
  EXPECT_EQ(write.outcome, Outcome::kNotApplied);
  EXPECT_EQ(client_.Get("k").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientCallTest, WhatNoNodeWouldTakeIsRefusedBeforeItIsSent) {
  WriteResult empty_key = client_.Put("", "v");
  EXPECT_EQ(empty_key.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(empty_key.outcome, Outcome::kNotApplied);
  EXPECT_THAT(std::string(client_.Get(std::string(4097, 'k')).status().message()), HasSubstr("4097"));
  EXPECT_THAT(std::string(client_.Put("k", std::string((1 << 20) + 1, 'v')).status.message()),
              HasSubstr("at most 1048576"));
  EXPECT_FALSE(client_.Put("k", "v", std::string(9000, 'c')).ok());
  CallOptions options;
  options.timeout = Millis(0);
  EXPECT_EQ(client_.Get("k", options).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(node().requests().size(), 0u);
}

TEST_F(ClientCallTest, TheLargestKeyAndValueArriveWhole) {
  node().OnRequest([](const v1::Request& request) { return OkValue(request.value()); });
  std::string value(1 << 20, 'v');
  EXPECT_TRUE(client_.Put(std::string(4096, 'k'), value).ok());
  EXPECT_EQ(node().requests().at(0).value(), value);
}

TEST_F(ClientCallTest, ABlockingCallInsideACompletionIsRefusedInsteadOfHanging) {
  std::promise<absl::Status> inner;
  client_.GetAsync("k", {}, [&](absl::StatusOr<ReadResult>) { inner.set_value(client_.Get("k").status()); });
  EXPECT_EQ(inner.get_future().get().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ClientCallTest, FuturesCarryTheSameResults) {
  node().OnRequest([](const v1::Request& request) { return request.op() == v1::OP_GET ? OkValue("v") : Ok(); });
  auto read = client_.GetFuture("k");
  auto write = client_.PutFuture("k", "v");
  auto erase = client_.DeleteFuture("k");
  EXPECT_THAT(read.get()->values, ElementsAre("v"));
  EXPECT_TRUE(write.get().ok());
  EXPECT_TRUE(erase.get().ok());
}

TEST_F(ClientCallTest, CallsThatAreStartedInACompletionLeaveTogether) {
  constexpr int kCalls = 50;
  std::promise<void> all;
  std::atomic<int> left{kCalls};
  client_.GetAsync("first", {}, [&](absl::StatusOr<ReadResult>) {
    for (int i = 0; i < kCalls; ++i) {
      client_.GetAsync("k", {}, [&](absl::StatusOr<ReadResult>) {
        if (--left == 0) all.set_value();
      });
    }
  });
  all.get_future().get();
  EXPECT_EQ(node().requests().size(), 1u + kCalls);
  EXPECT_EQ(node().frames(), 2u);
}

TEST_F(ClientCallTest, ManyThreadsShareOneStream) {
  node().OnRequest([](const v1::Request& request) { return OkValue(request.key()); });
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        std::string key = absl::StrCat("t", t, "-", i);
        auto read = client_.Get(key);
        if (!read.ok() || read->values != std::vector<std::string>{key}) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(node().requests().size(), 2400u);
}

TEST(ClientLimitTest, MoreCallsThanMayBeInFlightAreRefusedAtOnce) {
  FakeCluster cluster(1, 1);
  cluster.OnRequest([](const v1::Request&) { return std::nullopt; });
  ClientOptions options;
  options.in_flight_max = 2;
  auto client = Client::Connect(cluster.endpoints(), options);
  auto first = client->GetFuture("a");
  auto second = client->GetFuture("b");
  absl::Status third = client->Get("c").status();
  EXPECT_EQ(third.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(third.message()), HasSubstr("in_flight_max"));
}

TEST(ClientLimitTest, MoreBytesThanMayBeInFlightAreRefusedAtOnce) {
  FakeCluster cluster(1, 1);
  cluster.OnRequest([](const v1::Request&) { return std::nullopt; });
  ClientOptions options;
  options.in_flight_bytes_max = 1000;
  auto client = Client::Connect(cluster.endpoints(), options);
  auto first = client->PutFuture("a", std::string(900, 'v'));
  WriteResult second = client->Put("b", std::string(900, 'v'));
  EXPECT_EQ(second.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(second.outcome, Outcome::kNotApplied);
}

}  // namespace
}  // namespace henge
