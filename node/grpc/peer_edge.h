// Where the peers' calls enter one shard, and its answers leave.
//
// Loop-affine; owned by the PeerServer.
#pragma once

#include <array>
#include <memory>
#include <variant>
#include <vector>

#include "core/runtime/executor.h"
#include "core/runtime/transport.h"
#include "henge/v1/peer.pb.h"
#include "node/grpc/reply_stream.h"
#include "node/grpc/slab.h"

namespace henge {

class PeerEdge {
 public:
  struct Call {
    uint64_t id;
    MonotonicTime deadline;
    int64_t bytes;
    PeerRequest request;
  };

  PeerEdge(int shard, Executor& loop, PeerHandler& handler) : gatherer_(loop, shard), handler_(handler) {}

  void Serve(std::shared_ptr<ReplyStream> stream, MemberId from, std::vector<Call> calls);

 private:
  struct Waiting {
    std::shared_ptr<ReplyStream> stream;
    uint64_t id = 0;
    int64_t bytes = 0;
  };

  void Answer(uint32_t place, absl::StatusOr<PeerReply> reply);

  ReplyGatherer gatherer_;
  PeerHandler& handler_;
  Slab<Waiting> waiting_;
  // One per alternative and one for errors: used again, so that their parts are allocated once.
  std::array<v1::PeerAnswer, std::variant_size_v<PeerReply> + 1> scratch_;
};

}  // namespace henge
