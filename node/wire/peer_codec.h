// PeerRequest and PeerReply <-> their messages on the wire (proto/henge/v1/peer.proto).
//
// Pure functions. What comes from the wire is untrusted: the *FromProto functions check partitions, sizes and numbers.
// Strings are moved, never copied, in both directions. A message that is written to may be a used one: every field but
// its id is set anew, and what it had allocated serves again.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/runtime/messages.h"
#include "henge/v1/peer.pb.h"

namespace henge {

// Stands for "no partition": the shard of this one runs on the control loop, with any number of shards.
inline constexpr PartitionId kControlPartition{0};

// The partition whose shard serves `request`.
PartitionId PartitionOfRequest(const PeerRequest& request);

void PeerRequestToProto(PeerRequest request, Duration budget, v1::PeerCall* out);
// Takes the strings out of `in`. INVALID_ARGUMENT, saying what is wrong with the call.
absl::StatusOr<PeerRequest> PeerRequestFromProto(v1::PeerCall* in);

void PeerReplyToProto(absl::StatusOr<PeerReply> reply, v1::PeerAnswer* out);
// The reply, or the status that the peer answered. INTERNAL if the answer is none that this program writes.
absl::StatusOr<PeerReply> PeerReplyFromProto(v1::PeerAnswer* in);

// One message as bytes, for a world without frames.
struct DecodedPeerRequest {
  PeerRequest request;
  Duration budget{0};
};
std::string EncodePeerRequest(const PeerRequest& request, Duration budget);
absl::StatusOr<DecodedPeerRequest> DecodePeerRequest(std::string_view bytes);
std::string EncodePeerReply(const absl::StatusOr<PeerReply>& reply);
absl::StatusOr<PeerReply> DecodePeerReply(std::string_view bytes);

}  // namespace henge
