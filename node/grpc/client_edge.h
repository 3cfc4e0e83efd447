// Where the clients' requests enter one shard, and its replies leave.
//
// Loop-affine; owned by the ClientServer.
#pragma once

#include <memory>
#include <vector>

#include "henge/v1/client.pb.h"
#include "node/grpc/reply_stream.h"
#include "node/grpc/slab.h"
#include "node/node.h"

namespace henge {

class ClientEdge {
 public:
  struct Call {
    uint64_t id;
    int64_t bytes;
    ClientRequest request;
  };

  ClientEdge(int shard, Node& node);

  void Serve(std::shared_ptr<ReplyStream> stream, std::vector<Call> calls);

 private:
  struct Waiting {
    std::shared_ptr<ReplyStream> stream;
    uint64_t id = 0;
    int64_t bytes = 0;
  };

  void Answer(uint32_t place, ClientReply reply);

  const int shard_;
  Node& node_;
  ReplyGatherer gatherer_;
  Slab<Waiting> waiting_;
  v1::Reply scratch_;  // used again, so that its parts are allocated once
};

}  // namespace henge
