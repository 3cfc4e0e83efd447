// Answers what peers ask about the trees of the partitions that they share with this node.
//
// Loop-affine, owned by the shard's AntiEntropy. Trees come from the engine's memory, so that any shard can answer for
// any partition; the records of a leaf from its read worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/repeat_guard.h"
#include "core/runtime/transport.h"
#include "node/antientropy/shared_partitions.h"
#include "node/antientropy/taken_leaves.h"
#include "storage/store_engine.h"

namespace henge {

// The XOR of the roots of each group, from what the engine has at this instant.
std::vector<uint64_t> GroupHashes(const StoreEngine& engine, const SharedPartitions& shared);

class TreeServer {
 public:
  // `taken` learns which leaves the peers are repairing.
  TreeServer(MemberId self, ShardEnvironment environment, StoreEngine& engine, TakenLeaves& taken);

  // FAILED_PRECONDITION if the trees can't be compared (H27); INVALID_ARGUMENT for a partition that is not shared.
  void Serve(MemberId from, TreeRequest request, const RingPtr& ring, PeerHandler::ReplyFn reply);

  uint64_t refused() const { return refused_; }

 private:
  absl::StatusOr<TreeReply> Answer(const TreeRequest& request, const SharedPartitions& shared) const;
  void ServeRecords(MemberId from, const TreeRequest& request, PeerHandler::ReplyFn reply);
  // Counts it, and says so once in a while: a peer tries again in each of its rounds.
  void Refuse(MemberId from, absl::Status why, PeerHandler::ReplyFn reply);

  ShardEnvironment env_;
  StoreEngine& engine_;
  SharedCache shared_;
  TakenLeaves& taken_;
  uint64_t refused_ = 0;
  RepeatGuard said_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // what the engine answers after the end finds it gone
};

}  // namespace henge
