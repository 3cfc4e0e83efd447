#include "node/wire/peer_codec.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "core/runtime/status_macros.h"
#include "node/wire/client_codec.h"
#include "node/wire/tree_codec.h"
#include "node/wire/wire_util.h"

namespace henge {
namespace {

// Room for the siblings that meet in one merge of the largest records, N of which fit a frame (P38).
constexpr size_t kWireObjectBytesMax = kPeerFrameBytesMax / kReplicasMax;
constexpr size_t kScanCursorBytesMax = kKeyBytesMax + 64;
constexpr auto kControlKindMax = static_cast<uint32_t>(ControlKind::kRecover);

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

absl::Status Invalid(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("bad peer call: ", what));
}

absl::Status CheckObject(const std::string& object) {
  if (object.size() <= kWireObjectBytesMax) return absl::OkStatus();
  return Invalid(absl::StrCat("an object of ", object.size(), " bytes, the limit is ", kWireObjectBytesMax));
}

// ---- Requests
// --------------------------------------------------------------------------------------------------------

void KeyToProto(RecordKey key, LayoutEpoch epoch, v1::WireKey* out) {
  out->set_partition(key.partition.value());
  out->set_bucket(key.bucket.value());
  out->set_key(std::move(key.key));
  out->set_epoch(epoch.value());
}

absl::StatusOr<RecordKey> KeyFromProto(v1::WireKey* in) {
  if (in->key().empty() || in->key().size() > kKeyBytesMax) {
    return Invalid(absl::StrCat("a key of ", in->key().size(), " bytes, expected 1 to ", kKeyBytesMax));
  }
  PartitionId partition = PartitionOf(in->key());
  if (in->partition() != partition.value()) {
    return Invalid(absl::StrCat("partition ", in->partition(), " for a key of partition ", partition.value()));
  }
  return RecordKey{partition, BucketId(in->bucket()), std::move(*in->mutable_key())};
}

void ActorToProto(const Actor& actor, v1::WireActor* out) {
  out->set_store(actor.store.value());
  out->set_lifetime(actor.lifetime.value());
  out->set_epoch(actor.epoch);
}

Actor ActorFromProto(const v1::WireActor& in) { return {StoreId(in.store()), Lifetime(in.lifetime()), in.epoch()}; }

void ToProto(MergeRequest request, v1::PeerCall* out) {
  v1::MergeCall* call = out->mutable_merge();
  KeyToProto(std::move(request.key), request.epoch, call->mutable_key());
  call->set_object(std::move(request.object));
  call->set_cause(static_cast<uint32_t>(request.cause));
  if (!request.minter.has_value()) return call->clear_minter();
  ActorToProto(*request.minter, call->mutable_minter());
}

void ToProto(HintRequest request, v1::PeerCall* out) {
  v1::HintCall* call = out->mutable_hint();
  KeyToProto(std::move(request.key), request.epoch, call->mutable_key());
  call->set_target(request.target.value());
  call->set_object(std::move(request.object));
  call->set_needed(request.needed);
  if (!request.minter.has_value()) return call->clear_minter();
  ActorToProto(*request.minter, call->mutable_minter());
}

void ToProto(ReadRequest request, v1::PeerCall* out) {
  v1::ReadCall* call = out->mutable_read();
  KeyToProto(std::move(request.key), request.epoch, call->mutable_key());
  call->clear_known_digest();
  if (request.known_digest.has_value()) call->set_known_digest(*request.known_digest);
  call->set_from_hints(request.from_hints);
  call->set_for_exchange(request.for_exchange);
}

void ToProto(ForwardRequest request, v1::PeerCall* out) {
  v1::ForwardCall* call = out->mutable_forward();
  ClientRequestToProto(std::move(request.request), call->mutable_request());
  call->set_as_fallback(request.as_fallback);
}

void ToProto(ScanRequest request, v1::PeerCall* out) {
  v1::ScanCall* call = out->mutable_scan();
  call->set_partition(request.partition.value());
  call->set_epoch(request.epoch.value());
  call->set_cursor(std::move(request.cursor));
  call->set_bytes_max(request.bytes_max);
}

void ToProto(ControlRequest request, v1::PeerCall* out) {
  v1::ControlCall* call = out->mutable_control();
  call->set_kind(static_cast<uint32_t>(request.kind));
  call->set_body(std::move(request.body));
}

absl::StatusOr<PeerRequest> FromProto(v1::MergeCall* in) {
  MergeRequest request;
  HENGE_RETURN_IF_ERROR(CheckObject(in->object()));
  request.epoch = LayoutEpoch(in->key().epoch());
  HENGE_ASSIGN_OR_RETURN(request.key, KeyFromProto(in->mutable_key()));
  request.object = std::move(*in->mutable_object());
  if (in->has_minter()) request.minter = ActorFromProto(in->minter());
  if (in->cause() <= static_cast<uint32_t>(MergeCause::kExchange)) request.cause = static_cast<MergeCause>(in->cause());
  return request;
}

absl::StatusOr<PeerRequest> FromProto(v1::HintCall* in) {
  HintRequest request;
  HENGE_RETURN_IF_ERROR(CheckObject(in->object()));
  if (in->target() == 0) return Invalid("a hint for nobody");
  if (in->needed() < 1 || in->needed() > kReplicasMax) {
    return Invalid(absl::StrCat("a hint of a write to ", in->needed(), " nodes, expected 1 to ", kReplicasMax));
  }
  request.epoch = LayoutEpoch(in->key().epoch());
  HENGE_ASSIGN_OR_RETURN(request.key, KeyFromProto(in->mutable_key()));
  request.target = MemberId(in->target());
  request.object = std::move(*in->mutable_object());
  request.needed = in->needed();
  if (in->has_minter()) request.minter = ActorFromProto(in->minter());
  return request;
}

absl::StatusOr<PeerRequest> FromProto(v1::ReadCall* in) {
  ReadRequest request;
  request.epoch = LayoutEpoch(in->key().epoch());
  HENGE_ASSIGN_OR_RETURN(request.key, KeyFromProto(in->mutable_key()));
  if (in->has_known_digest()) request.known_digest = in->known_digest();
  request.from_hints = in->from_hints();
  request.for_exchange = in->for_exchange();
  return request;
}

absl::StatusOr<PeerRequest> FromProto(v1::ForwardCall* in) {
  ForwardRequest request;
  HENGE_ASSIGN_OR_RETURN(request.request, ClientRequestFromProto(in->mutable_request()));
  request.as_fallback = in->as_fallback();
  return request;
}

absl::StatusOr<PeerRequest> FromProto(v1::ScanCall* in) {
  if (in->partition() >= kPartitionCount) return Invalid(absl::StrCat("no partition ", in->partition()));
  if (in->cursor().size() > kScanCursorBytesMax) return Invalid("a scan cursor that is too long");
  ScanRequest request;
  request.partition = PartitionId(static_cast<uint16_t>(in->partition()));
  request.epoch = LayoutEpoch(in->epoch());
  request.cursor = std::move(*in->mutable_cursor());
  request.bytes_max = in->bytes_max();
  return request;
}

absl::StatusOr<PeerRequest> FromProto(v1::ControlCall* in) {
  if (in->kind() < 1 || in->kind() > kControlKindMax) {
    return Invalid(absl::StrCat("a control message of kind ", in->kind(), ", which this version doesn't know"));
  }
  return ControlRequest{static_cast<ControlKind>(in->kind()), std::move(*in->mutable_body())};
}

// ---- Replies
// ---------------------------------------------------------------------------------------------------------

void ToProto(const MergeReply& reply, v1::PeerAnswer* out) {
  out->mutable_merge()->set_minter_counter(reply.minter_counter);
}

void ToProto(const HintReply& reply, v1::PeerAnswer* out) {
  out->mutable_hint()->set_minter_counter(reply.minter_counter);
}

void ToProto(ReadReply reply, v1::PeerAnswer* out) {
  v1::ReadAnswer* answer = out->mutable_read();
  answer->set_found(reply.found);
  answer->set_same(reply.same);
  answer->set_object(std::move(reply.object));
  answer->set_written_at_ms(reply.written_at_ms);
  if (!reply.mark.has_value()) return answer->clear_mark();
  v1::WireMark* mark = answer->mutable_mark();
  mark->set_lifetime(reply.mark->lifetime.value());
  mark->set_epoch(reply.mark->epoch);
  mark->set_counter(reply.mark->counter);
}

void ToProto(ForwardReply reply, v1::PeerAnswer* out) {
  ClientReplyToProto(std::move(reply.reply), out->mutable_forward()->mutable_reply());
}

void ToProto(ScanReply reply, v1::PeerAnswer* out) {
  v1::ScanAnswer* answer = out->mutable_scan();
  answer->clear_items();
  for (ScannedRecord& item : reply.items) {
    v1::ScanAnswer::Item* to = answer->add_items();
    to->set_bucket(item.key.bucket.value());
    to->set_key(std::move(item.key.key));
    to->set_object(std::move(item.object));
  }
  answer->set_cursor(std::move(reply.cursor));
  answer->set_done(reply.done);
}

void ToProto(ControlReply reply, v1::PeerAnswer* out) { out->mutable_control()->set_body(std::move(reply.body)); }

ReadReply FromProto(v1::ReadAnswer* in) {
  ReadReply reply;
  reply.found = in->found();
  reply.same = in->same();
  if (!in->object().empty()) reply.object = std::move(*in->mutable_object());
  reply.written_at_ms = in->written_at_ms();
  if (in->has_mark()) {
    reply.mark = Mark{Lifetime(in->mark().lifetime()), in->mark().epoch(), in->mark().counter()};
  }
  return reply;
}

ScanReply FromProto(v1::ScanAnswer* in) {
  ScanReply reply;
  reply.items.reserve(in->items_size());
  for (v1::ScanAnswer::Item& item : *in->mutable_items()) {
    PartitionId partition = PartitionOf(item.key());
    reply.items.push_back(ScannedRecord{{partition, BucketId(item.bucket()), std::move(*item.mutable_key())},
                                        std::move(*item.mutable_object())});
  }
  reply.cursor = std::move(*in->mutable_cursor());
  reply.done = in->done();
  return reply;
}

}  // namespace

PartitionId PartitionOfRequest(const PeerRequest& request) {
  return std::visit(Overloaded{[](const MergeRequest& r) { return r.key.partition; },
                               [](const ReadRequest& r) { return r.key.partition; },
                               [](const ForwardRequest& r) { return PartitionOf(r.request.key); },
                               [](const ScanRequest& r) { return r.partition; },
                               [](const ControlRequest&) { return kControlPartition; },
                               [](const HintRequest& r) { return r.key.partition; },
                               [](const TreeRequest& r) { return PartitionId(static_cast<uint16_t>(r.first)); }},
                    request);
}

void PeerRequestToProto(PeerRequest request, Duration budget, v1::PeerCall* out) {
  out->set_budget_us(BudgetToWire(budget));
  std::visit(Overloaded{[out](TreeRequest& r) { TreeRequestToProto(std::move(r), out->mutable_tree()); },
                        [out](auto& r) { ToProto(std::move(r), out); }},
             request);
}

absl::StatusOr<PeerRequest> PeerRequestFromProto(v1::PeerCall* in) {
  switch (in->call_case()) {
    case v1::PeerCall::kMerge:
      return FromProto(in->mutable_merge());
    case v1::PeerCall::kRead:
      return FromProto(in->mutable_read());
    case v1::PeerCall::kForward:
      return FromProto(in->mutable_forward());
    case v1::PeerCall::kScan:
      return FromProto(in->mutable_scan());
    case v1::PeerCall::kControl:
      return FromProto(in->mutable_control());
    case v1::PeerCall::kHint:
      return FromProto(in->mutable_hint());
    case v1::PeerCall::kTree: {
      HENGE_ASSIGN_OR_RETURN(TreeRequest request, TreeRequestFromProto(in->mutable_tree()));
      return request;
    }
    case v1::PeerCall::CALL_NOT_SET:
      break;
  }
  return Invalid("of a kind that this version doesn't know");
}

void PeerReplyToProto(absl::StatusOr<PeerReply> reply, v1::PeerAnswer* out) {
  out->set_code(static_cast<uint32_t>(reply.status().code()));
  if (!reply.ok()) {
    out->clear_answer();
    return out->set_message(MessageToWire(reply.status()));
  }
  out->clear_message();
  std::visit(Overloaded{[out](TreeReply& r) { TreeReplyToProto(std::move(r), out->mutable_tree()); },
                        [out](auto& r) { ToProto(std::move(r), out); }},
             *reply);
}

absl::StatusOr<PeerReply> PeerReplyFromProto(v1::PeerAnswer* in) {
  if (in->code() != 0) return StatusFromWire(in->code(), in->message());
  switch (in->answer_case()) {
    case v1::PeerAnswer::kMerge:
      return MergeReply{in->merge().minter_counter()};
    case v1::PeerAnswer::kRead:
      return FromProto(in->mutable_read());
    case v1::PeerAnswer::kForward: {
      HENGE_ASSIGN_OR_RETURN(ClientReply reply, ClientReplyFromProto(in->mutable_forward()->mutable_reply()));
      return ForwardReply{std::move(reply)};
    }
    case v1::PeerAnswer::kScan:
      return FromProto(in->mutable_scan());
    case v1::PeerAnswer::kControl:
      return ControlReply{std::move(*in->mutable_control()->mutable_body())};
    case v1::PeerAnswer::kHint:
      return HintReply{in->hint().minter_counter()};
    case v1::PeerAnswer::kTree: {
      HENGE_ASSIGN_OR_RETURN(TreeReply reply, TreeReplyFromProto(in->mutable_tree()));
      return reply;
    }
    case v1::PeerAnswer::ANSWER_NOT_SET:
      break;
  }
  return absl::InternalError("an answer of a peer of a kind that this version doesn't know");
}

std::string EncodePeerRequest(const PeerRequest& request, Duration budget) {
  v1::PeerCall message;
  PeerRequestToProto(request, budget, &message);
  return message.SerializeAsString();
}

absl::StatusOr<DecodedPeerRequest> DecodePeerRequest(std::string_view bytes) {
  v1::PeerCall message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Invalid("not a henge.v1.PeerCall");
  HENGE_ASSIGN_OR_RETURN(PeerRequest request, PeerRequestFromProto(&message));
  return DecodedPeerRequest{std::move(request), BudgetFromWire(message.budget_us())};
}

std::string EncodePeerReply(const absl::StatusOr<PeerReply>& reply) {
  v1::PeerAnswer message;
  PeerReplyToProto(reply, &message);
  return message.SerializeAsString();
}

absl::StatusOr<PeerReply> DecodePeerReply(std::string_view bytes) {
  v1::PeerAnswer message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("not a henge.v1.PeerAnswer");
  }
  return PeerReplyFromProto(&message);
}

}  // namespace henge
