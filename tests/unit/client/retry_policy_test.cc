#include "client/src/retry_policy.h"

#include <gtest/gtest.h>

namespace henge::sdk {
namespace {

using std::chrono::milliseconds;
using Cause = AttemptFailure::Cause;

constexpr uint64_t kMostRandom = ~uint64_t{0};
constexpr SteadyDuration kLongLeft = std::chrono::seconds(60);

RetryPolicy Policy() {
  return {.attempts_max = 4,
          .backoff_base = Millis(25),
          .backoff_max = Millis(1000),
          .quota_tokens = 500,
          .retry_cost = 14};
}

AttemptFailure Unavailable() { return {.code = absl::StatusCode::kUnavailable}; }

TEST(RetryPolicyTest, TransientCodesAreRetried) {
  for (auto code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded}) {
    EXPECT_TRUE(DecideRetry(Policy(), {.code = code}, 1, kLongLeft, 0).retry) << static_cast<int>(code);
  }
}

TEST(RetryPolicyTest, OtherCodesAreNeverRetried) {
  for (auto code : {absl::StatusCode::kInvalidArgument, absl::StatusCode::kFailedPrecondition,
                    absl::StatusCode::kAborted, absl::StatusCode::kNotFound, absl::StatusCode::kInternal,
                    absl::StatusCode::kDataLoss, absl::StatusCode::kCancelled, absl::StatusCode::kUnknown}) {
    EXPECT_FALSE(DecideRetry(Policy(), {.code = code}, 1, kLongLeft, 0).retry) << static_cast<int>(code);
  }
}

TEST(RetryPolicyTest, EndsAfterTheLastAttempt) {
  EXPECT_TRUE(DecideRetry(Policy(), Unavailable(), 3, kLongLeft, 0).retry);
  EXPECT_FALSE(DecideRetry(Policy(), Unavailable(), 4, kLongLeft, 0).retry);
}

TEST(RetryPolicyTest, BackoffDoublesWithFullJitterUpToItsCeiling) {
  for (auto [attempts, ceiling] : {std::pair(1, milliseconds(25)), {2, milliseconds(50)}, {3, milliseconds(100)}}) {
    EXPECT_EQ(DecideRetry(Policy(), Unavailable(), attempts, kLongLeft, 0).delay, SteadyDuration(0));
    SteadyDuration longest = DecideRetry(Policy(), Unavailable(), attempts, kLongLeft, kMostRandom).delay;
    EXPECT_LE(longest, ceiling);
    EXPECT_GT(longest, ceiling - milliseconds(1));
  }
  RetryPolicy many = Policy();
  many.attempts_max = 100;
  EXPECT_LE(DecideRetry(many, Unavailable(), 90, kLongLeft, kMostRandom).delay, many.backoff_max);
}

TEST(RetryPolicyTest, AReadWithoutAQuorumMovesOnceForFree) {
  AttemptFailure no_quorum = Unavailable();
  no_quorum.read = true;
  const RetryVerdict first = DecideRetry(Policy(), no_quorum, 1, kLongLeft, kMostRandom);
  EXPECT_TRUE(first.retry);
  EXPECT_EQ(first.delay, SteadyDuration(0));
  EXPECT_EQ(first.cost, 0);
  EXPECT_EQ(DecideRetry(Policy(), no_quorum, 2, kLongLeft, 0).cost, 14);
  EXPECT_EQ(DecideRetry(Policy(), Unavailable(), 1, kLongLeft, 0).cost, 14) << "a write may have been applied";
}

TEST(RetryPolicyTest, EveryMoveFromASilentNodeIsFree) {
  const AttemptFailure late = {.code = absl::StatusCode::kUnavailable, .cause = Cause::kLate};
  for (int attempts : {1, 2, 3}) {
    const RetryVerdict verdict = DecideRetry(Policy(), late, attempts, kLongLeft, kMostRandom);
    EXPECT_TRUE(verdict.retry);
    EXPECT_EQ(verdict.cost, 0);
    EXPECT_EQ(verdict.delay, SteadyDuration(0));
  }
}

TEST(RetryPolicyTest, WaitsAsLongAsTheNodeAsks) {
  AttemptFailure busy = {.code = absl::StatusCode::kResourceExhausted, .retry_after = milliseconds(300)};
  EXPECT_EQ(DecideRetry(Policy(), busy, 1, kLongLeft, kMostRandom).delay, milliseconds(300));
}

TEST(RetryPolicyTest, GivesUpWhenTheWaitWouldOutlastTheDeadline) {
  AttemptFailure busy = {.code = absl::StatusCode::kResourceExhausted, .retry_after = milliseconds(300)};
  EXPECT_FALSE(DecideRetry(Policy(), busy, 1, milliseconds(300), 0).retry);
  EXPECT_TRUE(DecideRetry(Policy(), busy, 1, milliseconds(301), 0).retry);
}

TEST(RetryPolicyTest, TheFirstMoveAwayFromALostNodeIsFreeAndImmediate) {
  AttemptFailure lost = {.code = absl::StatusCode::kUnavailable, .cause = Cause::kLost};
  RetryVerdict first = DecideRetry(Policy(), lost, 1, kLongLeft, kMostRandom);
  EXPECT_TRUE(first.retry);
  EXPECT_EQ(first.delay, SteadyDuration(0));
  EXPECT_EQ(first.cost, 0);
  RetryVerdict second = DecideRetry(Policy(), lost, 2, kLongLeft, kMostRandom);
  EXPECT_GT(second.delay, SteadyDuration(0));
  EXPECT_EQ(second.cost, 14);
}

TEST(RetryPolicyTest, TheFirstMoveAwayFromANodeThatRefusesIsFreeUnlessItNamedATime) {
  AttemptFailure refused = {.code = absl::StatusCode::kUnavailable, .did_nothing = true};
  EXPECT_EQ(DecideRetry(Policy(), refused, 1, kLongLeft, kMostRandom).cost, 0);
  refused.retry_after = milliseconds(10);
  EXPECT_EQ(DecideRetry(Policy(), refused, 1, kLongLeft, kMostRandom).cost, 14);
}

TEST(RetryPolicyTest, OverloadIsNeverFree) {
  AttemptFailure busy = {.code = absl::StatusCode::kResourceExhausted, .did_nothing = true};
  EXPECT_EQ(DecideRetry(Policy(), busy, 1, kLongLeft, kMostRandom).cost, 14);
}

TEST(RetryPolicyTest, AnAttemptThatReachedNobodyCostsNothingButWaits) {
  AttemptFailure not_sent = {.code = absl::StatusCode::kUnavailable, .cause = Cause::kNotSent, .did_nothing = true};
  RetryVerdict verdict = DecideRetry(Policy(), not_sent, 1, kLongLeft, kMostRandom);
  EXPECT_EQ(verdict.cost, 0);
  EXPECT_GT(verdict.delay, SteadyDuration(0));
}

}  // namespace
}  // namespace henge::sdk
