// One run of the simulator: a seed makes a cluster, a workload and a course of faults; checkers judge what came of it.
//
// Phases: faults (clients work, the nemesis acts), heal (faults end, every node runs), final reads from every node at
// R=N, then the checks. Two runs of one seed have equal fingerprints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/model/swim.h"
#include "tests/sim/checkers.h"
#include "tests/sim/monitor.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/state_workload.h"
#include "tests/sim/workload.h"

namespace henge::sim {

// Which faults a seed draws from; each run omits some at random (swarm testing).
struct FaultOptions {
  bool crashes = false;  // power loss: what was not synced is gone, down to the directory entries
  bool kills = false;    // SIGKILL: the process is gone, its files stand
  bool clean_restarts = false;
  bool wipe = false;        // once in a run, one node comes back with an empty disk
  bool partitions = false;  // isolated nodes, cut pairs, one-way cuts
  bool pauses = false;
  bool clock_jumps = false;
  bool sync_failures = false;
  int events = 0;  // of the nemesis
};

// Bugs below or beside the replica that the checkers must catch.
enum class PlantedBug : uint8_t {
  kNone,
  kAckBeforeCommit,
  kDropSibling,
  kForgetWrites,
  kStaleLeaf,      // a merged record does not change its Merkle leaf
  kReuseLifetime,  // a restarted process draws the lifetimes of the last one (P3 absent)
  kSyncDoesNothing,
  kForgetVotes,   // a vote on the cluster state is not stored (P31 absent)
  kForgetStates,  // a decided cluster state is not stored
  kForgetDead,    // whom gossip holds dead is never asked again
};
PlantedBug ParsePlantedBug(const std::string& name);

// The last-writer-wins bucket that every simulated cluster has.
inline constexpr char kLwwBucket[] = "lww";

struct WorldOptions {
  uint64_t seed = 0;
  uint32_t nodes = 3;
  int shards = 1;
  Duration duration = std::chrono::seconds(3);  // within which the nemesis acts
  SimLinkOptions link;
  FaultOptions faults;
  WorkloadOptions workload;
  WorkloadOptions lww{.bucket = kLwwBucket, .first_client = 50, .clients = 0};  // beside it, in a bucket of its own
  StateWorkloadOptions state;
  PlantedBug bug = PlantedBug::kNone;
  bool converge_alone = false;  // after the heal nobody reads until anti-entropy has made the replicas equal
  SwimSettings gossip;
  uint64_t hint_bytes_max = uint64_t{1} << 30;  // of a node; some runs have room for a few only (P17)
  bool inspect_images = true;  // now and then, at an ack, read the version back from the disks' durable images (I12)

  static WorldOptions FromSeed(uint64_t seed);
  std::string Describe() const;
};

struct RunResult {
  uint64_t seed = 0;
  Violations violations;
  uint64_t fingerprint = 0;
  uint64_t events = 0;
  uint64_t acked = 0, mutations = 0, reads = 0, dots = 0;
  uint64_t crashes = 0, wipes = 0, partitions = 0, sync_failures = 0, images_inspected = 0, siblings_seen = 0;
  uint64_t lww_acked = 0;
  uint64_t acked_by_hints = 0;                        // mutations for whose quorum a hint counted
  uint64_t hint_images_inspected = 0;                 // of those
  uint64_t hints_refused_full = 0, hints_marked = 0;  // by the processes that stand at the end (P17)
  uint64_t state_versions = 0, state_changes = 0;     // decided; acknowledged to who proposed them
  uint64_t converged_alone = 0, wiped_whole = 0;      // 1 or 0: by anti-entropy; a wiped disk among them
  uint64_t repaired = 0;                              // records, by anti-entropy, on nodes as they run at the end
  Duration convergence{0};
  uint64_t deaths = 0;        // members that a node held dead
  uint64_t double_mints = 0;  // mutations that a retry minted again (P8)
};

// `show` gets each line of the nodes' logs, if set.
RunResult RunWorld(const WorldOptions& options, std::function<void(const std::string&)> show = nullptr);

}  // namespace henge::sim
