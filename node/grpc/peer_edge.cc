#include "node/grpc/peer_edge.h"

#include <utility>

#include "node/grpc/frame_codec.h"
#include "node/wire/peer_codec.h"

namespace henge {

void PeerEdge::Serve(std::shared_ptr<ReplyStream> stream, MemberId from, std::vector<Call> calls) {
  for (Call& call : calls) {
    const uint32_t place = waiting_.Add({stream, call.id, call.bytes});
    handler_.Handle(from, std::move(call.request), call.deadline,
                    [this, place](absl::StatusOr<PeerReply> reply) { Answer(place, std::move(reply)); });
  }
}

void PeerEdge::Answer(uint32_t place, absl::StatusOr<PeerReply> reply) {
  const Waiting call = waiting_.Take(place);
  v1::PeerAnswer& message = scratch_[reply.ok() ? reply->index() : scratch_.size() - 1];
  PeerReplyToProto(std::move(reply), &message);
  message.set_id(call.id);
  AppendField(v1::PeerFrame::kAnswersFieldNumber, message, &gatherer_.Add(call.stream, call.bytes));
}

}  // namespace henge
