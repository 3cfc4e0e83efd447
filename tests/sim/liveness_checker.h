// I17, of gossip: once everything is healed, every node holds every other one alive again, in bounded time.
//
// Looks into the nodes between events of the scheduler.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/model/swim.h"
#include "tests/sim/checkers.h"
#include "tests/sim/sim_node.h"

namespace henge::sim {

// How long after a heal nobody may be held dead or suspect any more. Each dead member is asked about once a probe
// interval by all others together, each asker jitters that, and local health may have made the probes slower.
constexpr Duration LivenessBound(const SwimSettings& gossip) { return 30 * gossip.probe_interval; }

// Whom a running node does not hold alive, as "n1 holds n3 dead"; and who does not run.
std::vector<std::string> NotAlive(const std::vector<std::unique_ptr<SimNode>>& nodes);

// Waits for it until `limit` at most.
void CheckEveryoneAlive(SimScheduler& scheduler, const std::vector<std::unique_ptr<SimNode>>& nodes, SimTime limit,
                        Violations* out);

}  // namespace henge::sim
