#include "node/grpc/client_edge.h"

#include <utility>

#include "node/grpc/frame_codec.h"
#include "node/wire/client_codec.h"

namespace henge {

ClientEdge::ClientEdge(int shard, Node& node) : shard_(shard), node_(node), gatherer_(node.executor(shard), shard) {}

void ClientEdge::Serve(std::shared_ptr<ReplyStream> stream, std::vector<Call> calls) {
  for (Call& call : calls) {
    const uint32_t place = waiting_.Add({stream, call.id, call.bytes});
    node_.shard(shard_).HandleClient(std::move(call.request),
                                     [this, place](ClientReply reply) { Answer(place, std::move(reply)); });
  }
}

void ClientEdge::Answer(uint32_t place, ClientReply reply) {
  const Waiting call = waiting_.Take(place);
  ClientReplyToProto(std::move(reply), &scratch_);
  scratch_.set_id(call.id);
  std::string& fragment = gatherer_.Add(call.stream, call.bytes);
  if (fragment.empty()) {
    AppendVarintField(v1::ServerFrame::kStateVersionFieldNumber, node_.shard(shard_).state_version().value(),
                      &fragment);
  }
  AppendField(v1::ServerFrame::kRepliesFieldNumber, scratch_, &fragment);
}

}  // namespace henge
