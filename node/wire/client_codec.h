// ClientRequest and ClientReply <-> their messages on the wire (proto/henge/v1/client.proto).
//
// Pure functions. What comes from the wire is untrusted: the *FromProto functions check every size, enum and number,
// and say in INVALID_ARGUMENT what is wrong. Strings are moved, never copied, in both directions.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/runtime/messages.h"
#include "henge/v1/client.pb.h"

namespace henge {

// A budget on the wire is cut to this; no request of this system lives longer.
inline constexpr Duration kWireBudgetMax = std::chrono::hours(1);

void ClientRequestToProto(ClientRequest request, v1::Request* out);
// Takes the strings out of `in`.
absl::StatusOr<ClientRequest> ClientRequestFromProto(v1::Request* in);

void ClientReplyToProto(ClientReply reply, v1::Reply* out);
// INTERNAL if the message is none that this program writes.
absl::StatusOr<ClientReply> ClientReplyFromProto(v1::Reply* in);

// One message as bytes, for a world without frames.
std::string EncodeClientRequest(const ClientRequest& request);
absl::StatusOr<ClientRequest> DecodeClientRequest(std::string_view bytes);
std::string EncodeClientReply(const ClientReply& reply);
absl::StatusOr<ClientReply> DecodeClientReply(std::string_view bytes);

}  // namespace henge
