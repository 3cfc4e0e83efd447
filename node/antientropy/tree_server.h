// Answers what peers ask about the trees of the partitions that they share with this node.
//
// Loop-affine, owned by the shard's AntiEntropy. Trees come from the engine's memory, so that any shard can answer for
// any partition; the records of a leaf from its read worker.
#pragma once

#include <cstdint>
#include <memory>

#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/transport.h"
#include "node/antientropy/shared_partitions.h"
#include "storage/store_engine.h"

namespace henge {

// The XOR of the roots of each group, from what the engine has at this instant.
std::vector<uint64_t> GroupHashes(const StoreEngine& engine, const SharedPartitions& shared);

class TreeServer {
 public:
  TreeServer(MemberId self, ShardEnvironment environment, StoreEngine& engine);

  // FAILED_PRECONDITION if the trees can't be compared (H27); INVALID_ARGUMENT for a partition that is not shared.
  void Serve(MemberId from, TreeRequest request, const RingPtr& ring, PeerHandler::ReplyFn reply);

  uint64_t refused() const { return refused_; }

 private:
  absl::StatusOr<TreeReply> Answer(const TreeRequest& request, const SharedPartitions& shared) const;
  void ServeRecords(const TreeRequest& request, PeerHandler::ReplyFn reply);

  ShardEnvironment env_;
  StoreEngine& engine_;
  SharedCache shared_;
  uint64_t refused_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what the engine answers after the end finds it gone
};

}  // namespace henge
