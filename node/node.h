// A node: its shards, and what spans them. The same class serves main() and the simulator.
//
// Made, started and destroyed while no loop runs (or on the one loop of a simulation). The control loop is the executor
// of shard 0; what says "any thread" posts to the right loop by itself.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "coordinator/coordinator.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "node/antientropy/recovery_note.h"
#include "node/bucket_order.h"
#include "node/control_plane.h"
#include "node/explain.h"
#include "node/gossip/gossip.h"
#include "node/hints/leaf_service.h"
#include "node/node_figures.h"
#include "node/scan_coordinator.h"
#include "node/shard.h"
#include "node/state/state_keeper.h"
#include "storage/store_engine.h"

namespace henge {

struct NodeOptions {
  MemberId self;
  ClusterState state;              // where the node starts if its store knows no newer one
  CoordinatorOptions coordinator;  // `self` is filled in
  ScanSettings scan;
  SwimSettings gossip;
  size_t record_cache_bytes = 0;                // of all shards together
  uint64_t hint_bytes_max = uint64_t{1} << 30;  // as well
  BackgroundBudgetOptions hint_budget;          // of all shards together: what the delivery of hints may send
  // Runs on the control loop for the state that the node starts with, and for each that it adopts.
  std::function<void(const RingPtr&)> on_state;
  // Runs on the control loop when this node's store holds the state of a recovered cluster (P32): the process has to
  // start again to go by it.
  std::function<void()> on_recovered;
  AntiEntropyOptions anti_entropy;
  ScrubOptions scrub;
};

// Everything outlives the node.
struct NodeEnvironment {
  std::vector<ShardEnvironment> shards;  // at least one
  StoreEngine& engine;
  HintStore* hints = nullptr;  // without: this node keeps no hints
};

class Node {
 public:
  Node(NodeOptions options, NodeEnvironment environment);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Claims the store for this member (node/identity.h), then builds the shards. Nothing else may be called before it
  // has returned OK.
  absl::Status Start();

  MemberId self() const { return options_.self; }
  // By the newest cluster state of this node. Any thread. What follows from two calls may follow from two states.
  RingPtr ring() const { return ring_.load(std::memory_order_acquire); }
  StoreId store_id() const { return environment_.engine.store_id(); }
  int shard_count() const { return static_cast<int>(environment_.shards.size()); }
  int ShardOfPartition(PartitionId partition) const { return ShardOf(partition, shard_count()); }
  Executor& executor(int shard) { return environment_.shards[shard].executor; }
  // To be used on executor(shard) only.
  Shard& shard(int shard) { return *shards_[shard]; }
  // Control loop only.
  Gossip& gossip() { return *gossip_; }

  // Serves one request of a client; `reply` runs on the loop of the key's shard. Any thread.
  void Submit(ClientRequest request, Coordinator::ReplyFn reply);
  // Serves one call of a peer; `reply` runs on the loop of the request's shard. Any thread.
  void HandlePeer(MemberId from, PeerRequest request, MonotonicTime deadline, PeerHandler::ReplyFn reply);

  // These answer on the control loop. Any thread.
  void Scan(ScanQuery query, ScanCoordinator::Done done);
  void Explain(ExplainQuery query, Explainer::Done done);
  // Decides the cluster state's next version by `change`, within `budget`; `done` gets that version, or why there is
  // none (StateProposer::Propose). Any thread.
  void ChangeState(StateChange change, Duration budget, StateProposer::Done done);
  // StateKeeper::BindWithout. Any thread.
  void BindWithout(std::vector<std::string> names, Duration budget, StateProposer::Done done);
  // StateKeeper::Recover. Any thread.
  void Recover(RecoverOrder order, Duration budget, RecoveryDriver::Done done);
  void CollectFigures(absl::AnyInvocable<void(NodeFigures)> done);

  // A node of another cluster was met, as peer or as caller. Any thread.
  void MeetForeign(ClusterId cluster);
  // A peer says that this node was given up by a recovery (P32): for a while no client is served, so that nothing is
  // acknowledged which no one will ever see. Any thread.
  void NoteGivenUp(MemberId by, std::string why);
  // Whether that was said lately. Any thread.
  bool given_up() const;

  // Refuses new requests; `idle` runs on the control loop when those under way have been answered. Any thread, once.
  // Peers are served on.
  void Drain(Closure idle);

 private:
  class Router;

  // What one shard's requests show of a peer holds for all shards of the node.
  void ShareVerdicts();
  void StartGossip();
  void RestLater();

  Executor& control() { return executor(0); }
  void Adopt(const RingPtr& ring);
  void OnRebound(Closure ready);
  StateKeeperHooks KeeperHooks();
  EntropyStart EntropyOfShard(int shard, const std::set<PartitionId>& recovering);

  const NodeOptions options_;
  NodeEnvironment environment_;
  std::atomic<RingPtr> ring_;
  std::atomic<MonotonicTime> given_up_until_{};
  ControlPlane control_plane_;
  std::unique_ptr<StateKeeper> keeper_;
  std::unique_ptr<RecoveryNote> recovery_note_;
  std::unique_ptr<LeafService> leaves_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<ScanCoordinator> scans_;
  std::unique_ptr<Explainer> explainer_;
  std::unique_ptr<Gossip> gossip_;
};

}  // namespace henge
