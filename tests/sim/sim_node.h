// One member of the simulated cluster: a disk that stays, and a process that comes and goes on it.
//
// Owned by the world. All calls come from events of the scheduler, none from inside one of the process's own turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/model/cluster_state.h"
#include "core/model/object.h"
#include "node/node.h"
#include "storage/hint_store.h"
#include "tests/sim/monitor.h"
#include "tests/sim/planted_bug.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_env.h"
#include "tests/sim/sim_process.h"
#include "tests/sim/state_watch.h"

namespace henge::sim {

// Room on a disk that isn't full, and below which a node refuses writes of clients; below a quarter of that,
// everything.
inline constexpr uint64_t kSimDiskBytes = uint64_t{1} << 40;
inline constexpr uint64_t kSimFreeBytesForWrites = uint64_t{256} << 10;

struct SimNodeOptions {
  MemberId member;
  ClusterState state;
  int shards = 1;
  EngineBug bug = EngineBug::kNone;
  bool reuse_lifetime = false;             // planted: every start draws what the first one drew
  bool lying_syncs = false;                // planted: syncs of the log do nothing
  StateWatch* watch = nullptr;             // sees each cluster state that the node goes by
  bool forget_dead = false;                // planted: whom gossip holds dead is never asked again
  PlantedBug planted = PlantedBug::kNone;  // what of the others is planted around the node
  SwimSettings gossip;
  uint64_t hint_bytes_max = uint64_t{1} << 30;
  AntiEntropyOptions anti_entropy;
  ScrubOptions scrub;
  Duration background_interval = std::chrono::milliseconds(2);  // between two background jobs of the store
};

class SimNode {
 public:
  // `on_failed` runs, as an event of the scheduler, after the process has stopped itself because its store failed.
  SimNode(SimScheduler& scheduler, SimNetwork& network, const SimRandom& random, Monitor& monitor,
          std::vector<SeriousEvent>& serious, SimNodeOptions options, std::function<void()> on_failed);
  ~SimNode();

  // Starts a process on what the disk holds.
  absl::Status Start();
  bool running() const { return process_ != nullptr; }

  void PowerLoss();  // the machine stops; what was not synced may be gone
  void Kill();       // SIGKILL
  // Drains, closes the store and ends; `stopped` runs then. A crash meanwhile takes precedence.
  void ShutDown(std::function<void()> stopped);
  // The disk of a stopped node is replaced by an empty one.
  void Wipe();
  void Pause() { process_->Pause(); }
  void Resume() { process_->Resume(); }
  bool paused() const { return paused_; }
  void set_paused(bool paused) { paused_ = paused; }
  void JumpClock(Duration by);
  // So much room is left on the disk, as of now.
  void LeaveFree(uint64_t bytes) { files_->LeaveFree(bytes); }
  // The next sync of the log fails.
  void FailNextSync() { fail_next_sync_ = true; }

  // Proposes a change of the cluster state. `done` never runs if the process ends first.
  void ChangeState(StateChange change, Duration budget, StateProposer::Done done) {
    node_->ChangeState(std::move(change), budget, std::move(done));
  }
  // Makes a new cluster of the survivors (P32). `done` never runs if the process ends first.
  void Recover(RecoverOrder order, Duration budget, RecoveryDriver::Done done) {
    node_->Recover(std::move(order), budget, std::move(done));
  }
  // None while no process runs.
  StoreId store_id() const { return running() ? engine_->store_id() : StoreId(); }
  // Whom the running process holds alive; null if none runs.
  LivenessPtr liveness() { return running() ? node_->gossip().liveness() : nullptr; }
  GossipFigures gossip_figures() { return running() ? node_->gossip().figures() : GossipFigures(); }
  MemberId member() const { return options_.member; }

  void ShowLines(std::function<void(const std::string&)> show) { show_ = std::move(show); }

  Node& node() { return *node_; }
  // Hands a peer's request to the running process, as if a message had brought it. No reply comes from one that stops
  // meanwhile.
  void HandlePeer(MemberId from, PeerRequest request, Duration left, PeerHandler::ReplyFn reply);
  // Runs on the loop of every shard of the running process.
  void OnEachShard(std::function<void(Shard&)> step);
  // What the running process keeps for others, as stored.
  HintStoreFigures hint_figures() const { return hints_->figures(); }
  // Of the running process, all shards together: as `henge status` shows them.
  HintFigures HintStatus();

  // The durable record of `key` (empty if none), as the running process's engine reads it.
  Object ReadRecord(const RecordKey& key);
  // The record that a power loss at this instant would leave.
  absl::StatusOr<Object> ReadDurableImage(const RecordKey& key);
  // The merge of the hints for `key` that a power loss at this instant would leave here.
  absl::StatusOr<Object> ReadDurableHints(const RecordKey& key);

  // The tree that the running process's engine keeps of `partition`, and what a scan says that it is.
  PartitionTree ReadTree(PartitionId partition) const { return engine_->ReadTree(partition); }
  absl::StatusOr<PartitionTree> RecomputeTree(PartitionId partition);
  uint64_t ReadRoot(PartitionId partition) const { return engine_->ReadRoot(partition); }
  ClusterId TreeKey() const { return engine_->tree_key(); }
  // Damage on the platter: one bit in the middle of the data of the largest table. False if there is none.
  bool FlipBitInTable();
  ScrubFigures scrub_figures();
  // What the store's flushes and compactions took of the real processor.
  double background_cpu_seconds() const { return env_->background_cpu_seconds(); }
  // Puts records into the running process's store, past the node, and waits until they are durable.
  void Load(std::vector<CommitItem> items);
  // Hands a record to the running process's store, past the node, as it is: with whatever it does to its leaf.
  void Plant(CommitItem item);
  // Of the running process, all shards together.
  AntiEntropyFigures EntropyFigures();

 private:
  void PlantTransports(NodeEnvironment* environment);
  PeerHandler* HandlerOf(int shard);
  void OnClientRequest(ClientRequest request, SimClientServer::ReplyFn reply);
  void StopProcess(SimNetwork::StopKind kind);
  // As henged does when its cluster was recovered: a new node on the same data.
  void StartAgain();
  void PumpBackground(uint64_t incarnation);
  SimFault PlanFault(const SimIo& io);

  SimScheduler& scheduler_;
  SimNetwork& network_;
  SimRandom random_;
  Monitor& monitor_;
  std::vector<SeriousEvent>& serious_;
  const SimNodeOptions options_;
  std::function<void()> on_failed_;
  std::function<void(const std::string&)> show_;

  std::shared_ptr<SimFileSystem> files_;
  std::unique_ptr<SimEnv> env_;
  uint64_t incarnation_ = 0;
  uint64_t crashes_ = 0;
  bool fail_next_sync_ = false;
  bool paused_ = false;
  Duration wall_offset_{0};

  // From the bottom up; destroyed in the opposite order.
  std::unique_ptr<SimProcess> process_;
  std::unique_ptr<MonitoredEngine> engine_;
  std::unique_ptr<HintStore> hints_;
  std::vector<std::unique_ptr<Transport>> transports_;  // planted ones, before those of the process
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<PeerHandler>> handlers_;  // planted ones, before the shards
  std::unique_ptr<SimClientServer> clients_;
};

}  // namespace henge::sim
