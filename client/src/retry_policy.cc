#include "client/src/retry_policy.h"

#include <algorithm>

namespace henge::sdk {
namespace {

constexpr int kDoublingsMax = 20;

// Uniform over [0, min(backoff_max, backoff_base * 2^(attempts - 1))].
SteadyDuration Backoff(const RetryPolicy& policy, int attempts, uint64_t random) {
  int doublings = std::clamp(attempts - 1, 0, kDoublingsMax);
  SteadyDuration ceiling =
      std::min<SteadyDuration>(policy.backoff_base * (int64_t{1} << doublings), policy.backoff_max);
  double share = static_cast<double>(random >> 11) * 0x1p-53;
  return SteadyDuration(static_cast<SteadyDuration::rep>(static_cast<double>(ceiling.count()) * share));
}

bool IsFreeFailover(const AttemptFailure& failure, int attempts) {
  if (failure.cause == AttemptFailure::Cause::kLate) return true;
  if (attempts != 1) return false;
  if (failure.cause == AttemptFailure::Cause::kLost) return true;
  return failure.cause == AttemptFailure::Cause::kAnswered && failure.code == absl::StatusCode::kUnavailable &&
         (failure.did_nothing || failure.read) && failure.retry_after == SteadyDuration::zero();
}

}  // namespace

bool IsTransient(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kDeadlineExceeded;
}

RetryVerdict DecideRetry(const RetryPolicy& policy, const AttemptFailure& failure, int attempts, SteadyDuration left,
                         uint64_t random) {
  if (!IsTransient(failure.code) || attempts >= policy.attempts_max) return {};
  if (IsFreeFailover(failure, attempts)) return {.retry = left > SteadyDuration::zero()};
  SteadyDuration delay = std::max(Backoff(policy, attempts, random), failure.retry_after);
  if (delay >= left) return {};
  // An attempt that reached nobody loaded nobody.
  int cost = failure.cause == AttemptFailure::Cause::kNotSent ? 0 : policy.retry_cost;
  return {.retry = true, .delay = delay, .cost = cost};
}

}  // namespace henge::sdk
