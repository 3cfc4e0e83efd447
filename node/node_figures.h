// What a node counts, summed over its shards. A plain value.
#pragma once

#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "core/model/liveness.h"
#include "node/antientropy/anti_entropy_options.h"
#include "node/gossip/gossip_figures.h"
#include "node/hints/hint_keeper.h"
#include "node/replica.h"
#include "storage/store_engine.h"

namespace henge {

struct NodeFigures {
  CoordinatorFigures coordinator;
  ReplicaFigures replica;
  HintFigures hints;
  StoreFigures store;
  DiskClass disk = DiskClass::kPlenty;
  absl::Status store_health;
  StoreId store_id;
  uint64_t owned_partitions = 0;
  AntiEntropyFigures entropy;
  ScrubFigures scrub;
  std::vector<PeerEntropy> peers;  // by member
  GossipFigures gossip;
  LivenessPtr liveness;  // of this node's peers and itself
};

void AddTo(NodeFigures* sum, const CoordinatorFigures& shard);
void AddTo(NodeFigures* sum, const ReplicaFigures& shard);
void AddTo(NodeFigures* sum, const HintFigures& shard);
void AddTo(NodeFigures* sum, const AntiEntropyFigures& shard);
void AddTo(NodeFigures* sum, const ScrubFigures& shard);
// Of one peer: differences add up; the oldest one, the oldest round and the longest time count.
void AddTo(NodeFigures* sum, const std::vector<PeerEntropy>& shard);

}  // namespace henge
