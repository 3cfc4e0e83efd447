// Makes the faults of one run, as its seed and its fault options say, and takes them all back at the end.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/cut_plan.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/world.h"

namespace henge::sim {

// A run's counts of what was done to it.
struct NemesisFigures {
  uint64_t crashes = 0, wipes = 0, partitions = 0, sync_failures = 0, full_disks = 0;
};

class Nemesis {
 public:
  Nemesis(const WorldOptions& options, SimScheduler& scheduler, SimNetwork& network,
          std::vector<std::unique_ptr<SimNode>>& nodes);

  // Spreads the events over the run.
  void Start();
  // Starts a stopped node again after a while; at once after Heal().
  void RestartLater(size_t node);
  // No fault from now on; every node runs. What a start refuses is a violation of the run.
  Violations Heal();

  const NemesisFigures& figures() const { return figures_; }

 private:
  enum class Kind {
    kPowerLoss,
    kKill,
    kCleanRestart,
    kWipe,
    kBlackout,
    kPartition,
    kFlapping,
    kSlowNode,
    kPause,
    kClockJump,
    kSyncFailure,
    kFullDisk,
  };

  void Act(Kind kind);
  bool ActOnCluster(Kind kind);
  void Partition();
  void Flap(Cuts cuts, int times);
  void SlowNode(HostId host);
  void Pause(SimNode* node);
  void FillDisk(size_t node);
  void StartNode(size_t node);
  void Lay(const Cuts& cuts);
  void Lift(const Cuts& cuts);
  Duration Some(Duration low, Duration high) { return random_.Between(low, high); }
  // How long a fault lasts: mostly short, now and then for long.
  Duration Span();

  const WorldOptions& options_;
  SimScheduler& scheduler_;
  SimNetwork& network_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  SimRandom random_;
  bool healed_ = false;
  NemesisFigures figures_;
  std::map<std::pair<HostId, HostId>, int> cuts_;  // how many faults under way cut this direction
  int slow_nodes_ = 0;                             // faults under way that slow one
  std::vector<bool> full_;                         // disks without room, for now
  uint64_t failed_starts_ = 0;                     // by planted sync failures
  Violations violations_;
};

}  // namespace henge::sim
