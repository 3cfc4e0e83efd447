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
#include "tests/sim/planted_bug.h"
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
  bool blackouts = false;   // all nodes lose power at one instant
  bool partitions = false;  // of all shapes (cut_plan.h), mostly steady
  bool flapping = false;    // cuts that come and go
  bool slow_nodes = false;  // nodes whose words and answers are late
  bool pauses = false;
  bool clock_jumps = false;
  bool sync_failures = false;
  bool full_disks = false;         // little room on a disk, or none, for a while
  bool opening_partition = false;  // one partition for sure, early
  int events = 0;                  // of the nemesis, beside that
};

// The last-writer-wins bucket that every simulated cluster has.
inline constexpr char kLwwBucket[] = "lww";
// One that is strict by itself, and one where each request asks for it.
inline constexpr char kStrictBucket[] = "strict";
inline constexpr char kAskedBucket[] = "asked";

struct WorldOptions {
  uint64_t seed = 0;
  uint32_t nodes = 3;
  int shards = 1;
  Duration duration = std::chrono::seconds(3);  // within which the nemesis acts
  SimLinkOptions link;
  FaultOptions faults;
  WorkloadOptions workload;
  WorkloadOptions lww{.bucket = kLwwBucket, .first_client = 50, .clients = 0};  // beside it, in a bucket of its own
  WorkloadOptions strict{.bucket = kStrictBucket, .first_client = 70, .clients = 0};
  StateWorkloadOptions state;
  PlantedBug bug = PlantedBug::kNone;
  bool blackout_at_rest = false;  // all nodes lose power once more before the last reads
  bool converge_alone = false;    // after the heal nobody reads until anti-entropy has made the replicas equal
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
  uint64_t strict_acked = 0, strict_reads = 0;  // that were answered
  uint64_t full_disks = 0;
  HintLedgerFigures hints;                         // I15
  Duration handoff{0};                             // from the heal until no hint and no mark was left
  Duration delivered{0};                           // from the heal until no hint was left
  uint64_t acked_by_hints = 0;                     // mutations for whose quorum a hint counted
  uint64_t hint_images_inspected = 0;              // of those
  uint64_t hints_refused_full = 0;                 // by the processes that stand at the end (P17)
  uint64_t hints_marked = 0;                       // by them as well
  uint64_t state_versions = 0, state_changes = 0;  // decided; acknowledged to who proposed them
  uint64_t converged_alone = 0, wiped_whole = 0;   // 1 or 0: by anti-entropy; a wiped disk among them
  uint64_t repaired = 0;                           // records, by anti-entropy, on nodes as they run at the end
  Duration convergence{0};
  uint64_t deaths = 0;        // members that a node held dead
  uint64_t double_mints = 0;  // mutations that a retry minted again (P8)
};

// `show` gets each line of the nodes' logs, if set.
RunResult RunWorld(const WorldOptions& options, std::function<void(const std::string&)> show = nullptr);

}  // namespace henge::sim
