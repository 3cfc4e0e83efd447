// TreeRequest and TreeReply <-> their messages on the wire; part of peer_codec.h, with its rules.
#pragma once

#include "absl/status/statusor.h"
#include "core/runtime/messages.h"
#include "henge/v1/peer.pb.h"

namespace henge {

void TreeRequestToProto(TreeRequest request, v1::TreeCall* out);
// INVALID_ARGUMENT, saying what is wrong. Whether the trees can be compared is for the callee to judge.
absl::StatusOr<TreeRequest> TreeRequestFromProto(v1::TreeCall* in);

void TreeReplyToProto(TreeReply reply, v1::TreeAnswer* out);
absl::StatusOr<TreeReply> TreeReplyFromProto(v1::TreeAnswer* in);

}  // namespace henge
