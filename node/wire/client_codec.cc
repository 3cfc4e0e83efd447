#include "node/wire/client_codec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"
#include "node/wire/wire_util.h"

namespace henge {
namespace {

absl::Status CheckLength(const char* what, size_t size, size_t max) {
  if (size <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " of ", size, " bytes is longer than the limit of ", max));
}

absl::StatusOr<ClientOp> OpFromWire(int op) {
  switch (op) {
    case v1::OP_GET:
      return ClientOp::kGet;
    case v1::OP_PUT:
      return ClientOp::kPut;
    case v1::OP_DELETE:
      return ClientOp::kDelete;
    default:
      return absl::InvalidArgumentError(absl::StrCat("unknown operation ", op, ": use OP_GET, OP_PUT or OP_DELETE"));
  }
}

v1::Op OpToWire(ClientOp op) {
  switch (op) {
    case ClientOp::kGet:
      return v1::OP_GET;
    case ClientOp::kPut:
      return v1::OP_PUT;
    case ClientOp::kDelete:
      return v1::OP_DELETE;
  }
  return v1::OP_UNSPECIFIED;
}

absl::Status CheckRequest(const v1::Request& in) {
  if (in.key().empty()) return absl::InvalidArgumentError("the key is empty: a key has at least one byte");
  HENGE_RETURN_IF_ERROR(CheckLength("a key", in.key().size(), kKeyBytesMax));
  HENGE_RETURN_IF_ERROR(CheckLength("a value", in.value().size(), kValueBytesMax));
  HENGE_RETURN_IF_ERROR(CheckLength("a bucket name", in.bucket().size(), kBucketNameBytesMax));
  HENGE_RETURN_IF_ERROR(CheckLength("a context", in.context().size(), kContextBytesMax));
  if (in.op() != v1::OP_PUT && !in.value().empty()) {
    return absl::InvalidArgumentError("only a put has a value; this request is none");
  }
  if (in.mode() != v1::QUORUM_MODE_SLOPPY && in.mode() != v1::QUORUM_MODE_STRICT) {
    return absl::InvalidArgumentError(absl::StrCat("unknown quorum mode ", static_cast<int>(in.mode())));
  }
  if (in.expires_at_ms() < 0) {
    return absl::InvalidArgumentError("expires_at_ms is negative: it counts milliseconds since 1970, 0 is never");
  }
  return absl::OkStatus();
}

void FactsToProto(const ReplyFacts& facts, v1::Facts* out) {
  out->set_state_version(facts.state_version.value());
  out->set_needed(facts.needed);
  out->set_answered(facts.answered);
  out->set_stale(facts.stale);
  out->set_primaries(facts.primaries);
  out->set_fallbacks(facts.fallbacks);
  out->set_durable(facts.durable);
  out->set_fallback_available(facts.fallback_available);
  out->set_coordinator(facts.coordinator.value());
}

ReplyFacts FactsFromProto(const v1::Facts& in) {
  ReplyFacts facts;
  facts.state_version = StateVersion(in.state_version());
  facts.needed = in.needed();
  facts.answered = in.answered();
  facts.stale = in.stale();
  facts.primaries = in.primaries();
  facts.fallbacks = in.fallbacks();
  facts.durable = in.durable();
  facts.fallback_available = in.fallback_available();
  facts.coordinator = MemberId(in.coordinator());
  return facts;
}

}  // namespace

void ClientRequestToProto(ClientRequest request, v1::Request* out) {
  out->set_op(OpToWire(request.op));
  out->set_bucket(std::move(request.bucket));
  out->set_key(std::move(request.key));
  out->set_value(std::move(request.value));
  out->set_context(std::move(request.context));
  out->set_op_id_high(request.op_id.high);
  out->set_op_id_low(request.op_id.low);
  out->set_retry(request.retry);
  out->set_expires_at_ms(request.expires_at_ms);
  out->clear_quorum();
  if (request.consistency.has_quorum) out->set_quorum(request.consistency.quorum);
  out->set_mode(request.consistency.mode == QuorumMode::kStrict ? v1::QUORUM_MODE_STRICT : v1::QUORUM_MODE_SLOPPY);
  out->set_budget_us(BudgetToWire(request.budget));
}

absl::StatusOr<ClientRequest> ClientRequestFromProto(v1::Request* in) {
  ClientRequest request;
  HENGE_ASSIGN_OR_RETURN(request.op, OpFromWire(in->op()));
  HENGE_RETURN_IF_ERROR(CheckRequest(*in));
  if (!in->bucket().empty()) request.bucket = std::move(*in->mutable_bucket());
  request.key = std::move(*in->mutable_key());
  if (!in->value().empty()) request.value = std::move(*in->mutable_value());
  if (!in->context().empty()) request.context = std::move(*in->mutable_context());
  request.op_id = {in->op_id_high(), in->op_id_low()};
  request.retry = in->retry();
  request.expires_at_ms = in->expires_at_ms();
  request.consistency.has_quorum = in->has_quorum();
  request.consistency.quorum = in->quorum();
  request.consistency.mode = in->mode() == v1::QUORUM_MODE_STRICT ? QuorumMode::kStrict : QuorumMode::kSloppy;
  request.budget = BudgetFromWire(in->budget_us());
  return request;
}

void ClientReplyToProto(ClientReply reply, v1::Reply* out) {
  out->set_code(static_cast<uint32_t>(reply.status.code()));
  out->clear_message();
  if (!reply.status.ok()) out->set_message(MessageToWire(reply.status));
  out->set_outcome(static_cast<v1::Outcome>(reply.outcome));
  out->clear_values();
  for (std::string& value : reply.values) out->add_values(std::move(value));
  out->set_context(std::move(reply.context));
  out->set_siblings(reply.siblings);
  out->set_retry_after_ms(reply.retry_after_ms);
  FactsToProto(reply.facts, out->mutable_facts());
}

absl::StatusOr<ClientReply> ClientReplyFromProto(v1::Reply* in) {
  ClientReply reply;
  reply.status = StatusFromWire(in->code(), in->message());
  switch (in->outcome()) {
    case v1::OUTCOME_APPLIED:
      reply.outcome = Outcome::kApplied;
      break;
    case v1::OUTCOME_NOT_APPLIED:
      reply.outcome = Outcome::kNotApplied;
      break;
    case v1::OUTCOME_UNKNOWN:
      reply.outcome = Outcome::kUnknown;
      break;
    default:
      return absl::InternalError(
          absl::StrCat("a reply with outcome ", static_cast<int>(in->outcome()), ", which this version doesn't know"));
  }
  reply.values.reserve(in->values_size());
  for (std::string& value : *in->mutable_values()) reply.values.push_back(std::move(value));
  if (!in->context().empty()) reply.context = std::move(*in->mutable_context());
  reply.siblings = in->siblings();
  reply.retry_after_ms = in->retry_after_ms();
  reply.facts = FactsFromProto(in->facts());
  return reply;
}

std::string EncodeClientRequest(const ClientRequest& request) {
  v1::Request message;
  ClientRequestToProto(request, &message);
  return message.SerializeAsString();
}

absl::StatusOr<ClientRequest> DecodeClientRequest(std::string_view bytes) {
  v1::Request message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not a henge.v1.Request");
  }
  return ClientRequestFromProto(&message);
}

std::string EncodeClientReply(const ClientReply& reply) {
  v1::Reply message;
  ClientReplyToProto(reply, &message);
  return message.SerializeAsString();
}

absl::StatusOr<ClientReply> DecodeClientReply(std::string_view bytes) {
  v1::Reply message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("not a henge.v1.Reply");
  }
  return ClientReplyFromProto(&message);
}

}  // namespace henge
