// What the client tries again, where, and what it says of it.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr int kUnavailable = 14;
constexpr int kResourceExhausted = 8;

std::chrono::milliseconds Since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
}

class ClientRetryTest : public testing::Test {
 protected:
  ClientRetryTest() : cluster_(3), client_(*Client::Connect(cluster_.endpoints(), Patient())) {
    cluster_.AwaitStreams();
    key_ = cluster_.KeyOwnedBy(0);
  }

  static ClientOptions Patient() {
    ClientOptions options;
    options.timeout = Millis(20000);
    return options;
  }

  FakeNode& owner(size_t position) { return cluster_.Owner(key_, position); }

  FakeCluster cluster_;
  Client client_;
  std::string key_;
};

TEST_F(ClientRetryTest, AnUnavailableOwnerIsLeftForTheNext) {
  owner(0).OnRequest([](const v1::Request&) { return Failure(kUnavailable, "draining", v1::OUTCOME_NOT_APPLIED); });
  owner(1).OnRequest([](const v1::Request&) { return OkValue("v"); });
  auto read = client_.Get(key_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->facts.attempts, 2);
  EXPECT_EQ(owner(0).requests().size(), 1u);
  EXPECT_EQ(owner(1).requests().size(), 1u);
}

TEST_F(ClientRetryTest, APutThatSurelyDidNothingIsSentAgainWithoutTheRetryFlag) {
  owner(0).OnRequest([](const v1::Request&) { return Failure(kUnavailable, "draining", v1::OUTCOME_NOT_APPLIED); });
  WriteResult write = client_.Put(key_, "v");
  EXPECT_TRUE(write.ok());
  v1::Request first = owner(0).requests().at(0), second = owner(1).requests().at(0);
  EXPECT_FALSE(second.retry());
  EXPECT_EQ(first.op_id_high(), second.op_id_high());
  EXPECT_EQ(first.op_id_low(), second.op_id_low());
}

// P8: the node must look for the op id before it mints.
TEST_F(ClientRetryTest, APutInDoubtIsSentAgainWithTheSameOpIdAndTheRetryFlag) {
  owner(0).OnRequest(
      [](const v1::Request&) { return Failure(kUnavailable, "1 of 2 replicas answered", v1::OUTCOME_UNKNOWN); });
  WriteResult write = client_.Put(key_, "v", "ctx");
  EXPECT_TRUE(write.ok());
  EXPECT_EQ(write.facts.attempts, 2);
  v1::Request first = owner(0).requests().at(0), second = owner(1).requests().at(0);
  EXPECT_FALSE(first.retry());
  EXPECT_TRUE(second.retry());
  EXPECT_EQ(first.op_id_high(), second.op_id_high());
  EXPECT_EQ(first.op_id_low(), second.op_id_low());
  EXPECT_EQ(second.value(), "v");
  EXPECT_EQ(second.context(), "ctx");
}

TEST_F(ClientRetryTest, APutOnAStreamThatBreaksIsSentElsewhereWithTheRetryFlag) {
  owner(0).OnRequest([](const v1::Request&) { return std::nullopt; });
  auto write = client_.PutFuture(key_, "v");
  owner(0).AwaitRequests(1);
  owner(0).BreakStreams();
  EXPECT_TRUE(write.get().ok());
  v1::Request first = owner(0).requests().at(0), second = owner(1).requests().at(0);
  EXPECT_TRUE(second.retry());
  EXPECT_EQ(first.op_id_low(), second.op_id_low());
}

// Its connection stands, but nobody answers: stopped, or cut off behind a network that tells nobody.
TEST_F(ClientRetryTest, CallsLeaveASilentNodeAndLaterOnesGoAroundIt) {
  owner(0).OnRequest([](const v1::Request&) { return std::nullopt; });
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::future<WriteResult>> writes;
  for (int i = 0; i < 300; ++i) writes.push_back(client_.PutFuture(key_, "v"));
  for (auto& write : writes) {
    WriteResult result = write.get();
    EXPECT_TRUE(result.ok()) << result.status;
    EXPECT_EQ(result.facts.attempts, 2);
  }
  EXPECT_LT(Since(begun), milliseconds(5000));
  EXPECT_TRUE(owner(1).requests().at(0).retry()) << "P8: it may be applied yet";
  const size_t asked = owner(0).requests().size();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(client_.Get(key_).ok());
  EXPECT_LE(owner(0).requests().size(), asked + 1) << "at most one call finds out whether it is back";
}

TEST_F(ClientRetryTest, ASilentNodeThatAnswersAgainIsUsedAgain) {
  std::atomic<bool> silent = true;
  owner(0).OnRequest([&](const v1::Request&) { return silent ? std::nullopt : std::optional(OkValue("first")); });
  owner(1).OnRequest([](const v1::Request&) { return OkValue("second"); });
  EXPECT_EQ(client_.Get(key_)->values[0], "second");
  silent = false;
  const auto begun = std::chrono::steady_clock::now();
  while (client_.Get(key_)->values[0] != "first" && Since(begun) < milliseconds(15000)) {
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client_.Get(key_)->values[0], "first");
}

// A read of all replicas, say, of which one is gone: the node can't help it, and does what else it is asked.
TEST_F(ClientRetryTest, ASlowCallBesideQuickOnesIsLeftAlone) {
  owner(0).OnRequest(
      [](const v1::Request& request) { return request.value() == "slow" ? std::nullopt : std::optional(Ok()); });
  CallOptions slow;
  slow.timeout = Millis(2000);
  auto write = client_.PutFuture(key_, "slow", {}, slow);
  while (write.wait_for(milliseconds(1)) != std::future_status::ready) EXPECT_TRUE(client_.Put(key_, "quick").ok());
  const WriteResult result = write.get();
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(result.facts.attempts, 1);
  EXPECT_EQ(owner(1).requests().size(), 0u);
}

// Cut off from its peers, say: it answers, but to no purpose.
TEST_F(ClientRetryTest, ANodeThatFailsEveryCallIsGoneAround) {
  owner(0).OnRequest(
      [](const v1::Request&) { return Failure(kUnavailable, "1 of 2 replicas answered", v1::OUTCOME_UNKNOWN); });
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(client_.Put(key_, "v").ok()) << i;
  EXPECT_LE(owner(0).requests().size(), 10u) << "three, and one a second";
}

TEST_F(ClientRetryTest, ManyCallsOnAStreamThatBreaksAllMoveOn) {
  constexpr int kCalls = 300;
  owner(0).OnRequest([](const v1::Request&) { return std::nullopt; });
  std::vector<std::future<WriteResult>> writes;
  for (int i = 0; i < kCalls; ++i) writes.push_back(client_.PutFuture(key_, "v"));
  owner(0).AwaitRequests(kCalls);
  owner(0).Stop();
  int failed = 0;
  for (auto& write : writes) failed += write.get().ok() ? 0 : 1;
  EXPECT_EQ(failed, 0);
}

TEST_F(ClientRetryTest, DoubtStaysEvenIfALaterAttemptSurelyDidNothing) {
  std::atomic<int> attempts{0};
  cluster_.OnRequest([&](const v1::Request&) {
    return Failure(kUnavailable, "no", attempts++ == 0 ? v1::OUTCOME_UNKNOWN : v1::OUTCOME_NOT_APPLIED);
  });
  WriteResult write = client_.Put(key_, "v");
  EXPECT_EQ(write.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(write.outcome, Outcome::kUnknown);
  EXPECT_EQ(write.facts.attempts, 4);
  EXPECT_EQ(attempts, 4);
}

TEST_F(ClientRetryTest, WithoutDoubtAFailedWriteIsNotApplied) {
  cluster_.OnRequest([](const v1::Request&) { return Failure(kUnavailable, "no", v1::OUTCOME_NOT_APPLIED); });
  WriteResult write = client_.Put(key_, "v");
  EXPECT_EQ(write.outcome, Outcome::kNotApplied);
  EXPECT_THAT(std::string(write.status.message()), HasSubstr("(tried 4 times)"));
}

TEST_F(ClientRetryTest, WhatTheCallerDidWrongIsNotTriedAgain) {
  for (int code : {3, 9, 10, 13}) {
    size_t before = cluster_.request_count();
    cluster_.OnRequest([code](const v1::Request&) { return Failure(code, "no"); });
    auto read = client_.Get(key_);
    EXPECT_EQ(static_cast<int>(read.status().code()), code);
    EXPECT_EQ(cluster_.request_count(), before + 1);
  }
}

TEST_F(ClientRetryTest, AnOverloadedNodeIsGivenTheTimeItAsksFor) {
  std::atomic<int> attempts{0};
  cluster_.OnRequest([&](const v1::Request&) {
    if (attempts++ > 0) return OkValue("v");
    v1::Reply busy = Failure(kResourceExhausted, "queue full", v1::OUTCOME_NOT_APPLIED);
    busy.set_retry_after_ms(150);
    return busy;
  });
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(client_.Get(key_).ok());
  EXPECT_GE(Since(begun), milliseconds(150));
  EXPECT_EQ(attempts, 2);
}

TEST_F(ClientRetryTest, ANodeThatAsksForMoreTimeThanThereIsGetsNone) {
  cluster_.OnRequest([](const v1::Request&) {
    v1::Reply busy = Failure(kResourceExhausted, "queue full", v1::OUTCOME_NOT_APPLIED);
    busy.set_retry_after_ms(60000);
    return busy;
  });
  auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(client_.Get(key_).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LT(Since(begun), milliseconds(10000));
}

TEST_F(ClientRetryTest, ACallThatNobodyAnswersEndsAtItsDeadlineInDoubt) {
  cluster_.OnRequest([](const v1::Request&) { return std::nullopt; });
  CallOptions options;
  options.timeout = Millis(100);
  auto begun = std::chrono::steady_clock::now();
  WriteResult write = client_.Put(key_, "v", "", options);
  EXPECT_EQ(write.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(write.outcome, Outcome::kUnknown);
  EXPECT_THAT(std::string(write.status.message()), HasSubstr(owner(0).address()));
  EXPECT_GE(Since(begun), milliseconds(100));
  EXPECT_LT(Since(begun), milliseconds(5000));
}

TEST_F(ClientRetryTest, ASilentNodeIsGivenUpForTheOtherCallsToo) {
  owner(0).OnRequest([](const v1::Request&) { return std::nullopt; });
  auto patient = client_.GetFuture(key_);
  owner(0).AwaitRequests(1);
  CallOptions options;
  options.timeout = Millis(100);
  EXPECT_EQ(client_.Get(key_, options).status().code(), absl::StatusCode::kDeadlineExceeded);
  auto read = patient.get();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->facts.attempts, 2);
}

TEST_F(ClientRetryTest, AnAnswerAfterTheDeadlineHurtsNobody) {
  std::promise<void> go;
  auto gone = go.get_future().share();
  owner(0).OnRequest([gone](const v1::Request& request) {
    if (request.op() == v1::OP_GET) gone.wait();
    return Ok();
  });
  CallOptions options;
  options.timeout = Millis(50);
  EXPECT_FALSE(client_.Get(key_, options).ok());
  go.set_value();
  EXPECT_TRUE(client_.Put(key_, "v").ok());
}

TEST_F(ClientRetryTest, RetriesStopWhenTheQuotaIsSpent) {
  ClientOptions options;
  options.retry.quota_tokens = 28;
  options.retry.backoff_base = Millis(1);
  Client client = *Client::Connect(cluster_.endpoints(), options);
  cluster_.OnRequest([](const v1::Request&) { return Failure(kResourceExhausted, "full", v1::OUTCOME_NOT_APPLIED); });
  EXPECT_FALSE(client.Get(key_).ok());
  size_t before = cluster_.request_count();
  EXPECT_FALSE(client.Get(key_).ok());
  EXPECT_EQ(cluster_.request_count(), before + 1) << "two retries of the first call took the whole quota";
}

TEST_F(ClientRetryTest, WithAllNodesGoneTheErrorNamesThem) {
  for (size_t i = 0; i < cluster_.size(); ++i) cluster_.node(i).Stop();
  WriteResult write = client_.Put(key_, "v");
  EXPECT_EQ(write.status.code(), absl::StatusCode::kUnavailable);
  for (size_t i = 0; i < cluster_.size(); ++i) {
    EXPECT_THAT(std::string(write.status.message()), HasSubstr(cluster_.node(i).address()));
  }
}

}  // namespace
}  // namespace henge
