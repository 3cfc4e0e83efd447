#include "client/src/wire.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/text.h"
#include "core/model/limits.h"

namespace henge::sdk {
namespace {

constexpr SteadyDuration kReturnTripMax = std::chrono::milliseconds(20);
constexpr uint32_t kCodeMax = 16;  // google.rpc.Code has no greater

v1::Op WireOp(Call::Op op) {
  switch (op) {
    case Call::Op::kGet:
      return v1::OP_GET;
    case Call::Op::kPut:
      return v1::OP_PUT;
    case Call::Op::kDelete:
      return v1::OP_DELETE;
  }
  return v1::OP_UNSPECIFIED;
}

absl::Status TooLong(std::string_view what, size_t bytes, size_t bytes_max, std::string_view advice) {
  return absl::InvalidArgumentError(absl::StrCat("the ", AbslText(what), " has ", bytes, " bytes, at most ", bytes_max,
                                                 " are allowed: ", AbslText(advice)));
}

Facts FactsOf(const v1::Facts& wire, int attempts) {
  Facts facts;
  facts.state_version = wire.state_version();
  facts.needed = wire.needed();
  facts.answered = wire.answered();
  facts.stale = wire.stale();
  facts.primaries = wire.primaries();
  facts.fallbacks = wire.fallbacks();
  facts.durable = wire.durable();
  facts.fallback_available = wire.fallback_available();
  facts.coordinator = wire.coordinator();
  facts.attempts = attempts;
  return facts;
}

}  // namespace

absl::Status CheckCall(const Call& call) {
  if (call.key.empty()) return absl::InvalidArgumentError("the key is empty: give it at least one byte");
  if (call.key.size() > kKeyBytesMax) {
    return TooLong("key", call.key.size(), kKeyBytesMax, "use a shorter one, such as a hash of it");
  }
  if (call.value.size() > kValueBytesMax) {
    return TooLong("value", call.value.size(), kValueBytesMax, "split it over several keys");
  }
  if (call.context.size() > kContextBytesMax) {
    return TooLong("context", call.context.size(), kContextBytesMax, "pass on what a read of this key returned");
  }
  if (call.bucket.size() > kBucketNameBytesMax) {
    return TooLong("bucket name", call.bucket.size(), kBucketNameBytesMax, "no bucket has such a name");
  }
  return absl::OkStatus();
}

SteadyDuration ServerBudget(SteadyDuration left) { return left - std::min(left / 10, kReturnTripMax); }

void FillRequest(const Call& call, SteadyTime now, v1::Request* request) {
  request->set_op(WireOp(call.op));
  if (call.bucket != "default") request->set_bucket(call.bucket);
  request->set_key(call.key);
  if (!call.value.empty()) request->set_value(call.value);
  if (!call.context.empty()) request->set_context(call.context);
  if (call.is_mutation()) {
    request->set_op_id_high(call.op_id.high);
    request->set_op_id_low(call.op_id.low);
    request->set_retry(call.maybe_applied);
    request->set_expires_at_ms(call.expires_at_ms);
  }
  if (call.quorum.replicas != 0) request->set_quorum(call.quorum.replicas);
  if (call.quorum.strict) request->set_mode(v1::QUORUM_MODE_STRICT);
  auto budget = std::chrono::duration_cast<std::chrono::microseconds>(ServerBudget(call.deadline - now)).count();
  request->set_budget_us(static_cast<uint64_t>(std::max<int64_t>(budget, 1)));
}

absl::Status StatusOf(uint32_t code, const std::string& message) {
  if (code == 0) return absl::OkStatus();
  return absl::Status(code <= kCodeMax ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown, message);
}

Outcome OutcomeOf(const v1::Reply& reply) {
  switch (reply.outcome()) {
    case v1::OUTCOME_APPLIED:
      return Outcome::kApplied;
    case v1::OUTCOME_NOT_APPLIED:
      return Outcome::kNotApplied;
    case v1::OUTCOME_UNKNOWN:
      return Outcome::kUnknown;
    default:
      return reply.code() == 0 ? Outcome::kApplied : Outcome::kUnknown;
  }
}

ReadResult TakeReadResult(v1::Reply& reply, int attempts) {
  ReadResult result;
  result.values.reserve(reply.values_size());
  for (std::string& value : *reply.mutable_values()) result.values.push_back(std::move(value));
  result.context = std::move(*reply.mutable_context());
  result.facts = FactsOf(reply.facts(), attempts);
  return result;
}

WriteResult TakeWriteResult(v1::Reply& reply, int attempts) {
  WriteResult result;
  result.status = StatusOf(reply);
  result.outcome = OutcomeOf(reply);
  result.context = std::move(*reply.mutable_context());
  result.siblings = reply.siblings();
  result.facts = FactsOf(reply.facts(), attempts);
  return result;
}

}  // namespace henge::sdk
