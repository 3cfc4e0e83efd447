#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

FaultOptions DrawFaults(SimRandom& random, bool calm) {
  FaultOptions f;
  f.crashes = random.Chance(0.6);
  f.kills = random.Chance(0.4);
  f.clean_restarts = random.Chance(0.3);
  f.wipe = random.Chance(0.2);
  f.partitions = random.Chance(0.7);
  f.pauses = random.Chance(0.3);
  f.clock_jumps = random.Chance(0.3);
  f.sync_failures = random.Chance(0.2);
  f.events = calm ? static_cast<int>(1 + random.Below(4)) : static_cast<int>(4 + random.Below(12));
  return f;
}

SimLinkOptions DrawLink(SimRandom& random) {
  SimLinkOptions link;
  link.delay_min = microseconds(20 + random.Below(200));
  link.delay_mean = microseconds(50 + random.Below(2000));
  if (random.Chance(0.5)) link.loss = random.Unit() * 0.05;
  if (random.Chance(0.5)) link.duplicate = random.Unit() * 0.1;
  if (random.Chance(0.5)) link.reorder = random.Unit() * 0.2;
  return link;
}

WorkloadOptions DrawWorkload(SimRandom& random, bool wipe) {
  WorkloadOptions w;
  w.clients = static_cast<int>(1 + random.Below(6));
  w.keys = static_cast<int>(1 + random.Below(8));
  w.ops_per_client = static_cast<int>(20 + random.Below(60));
  w.blind_puts = static_cast<uint32_t>(random.Below(40));
  w.deletes = random.Chance(0.7) ? static_cast<uint32_t>(random.Below(30)) : 0;
  w.plain_deletes = random.Chance(0.5) ? 5 : 0;
  w.think_time_mean = milliseconds(1 + random.Below(40));
  w.timeout = milliseconds(300 + random.Below(2000));
  w.strict_reads = random.Chance(0.3) ? 50 : 0;
  if (random.Chance(0.1)) w.padding_large = 20000;
  // With a wiped disk a write on a single node may be gone by right; W=1 is for runs without one.
  if (random.Chance(0.2)) {
    w.w = wipe ? 3 : 1;
    w.r = wipe ? 1 : 3;
  }
  return w;
}

// Half of the runs are so quick to notice that deaths and returns happen within their few seconds.
SwimSettings DrawGossip(SimRandom random) {
  SwimSettings gossip;
  if (random.Chance(0.5)) return gossip;
  gossip.probe_interval = milliseconds(100 + random.Below(300));
  gossip.probe_timeout = gossip.probe_interval * 2 / 5;
  gossip.gossip_interval = gossip.probe_interval / 4;
  gossip.push_pull_interval = seconds(5);
  gossip.suspicion.min = gossip.probe_interval;
  gossip.suspicion.max = 4 * gossip.probe_interval;
  return gossip;
}

}  // namespace

WorldOptions WorldOptions::FromSeed(uint64_t seed) {
  SimRandom random = SimRandom(seed).Split("options");
  WorldOptions o;
  o.seed = seed;
  // Most failures need three nodes, one partition and few events; the rest of the seeds look for what does not.
  const bool calm = random.Chance(0.5);
  o.nodes = calm ? 3 : static_cast<uint32_t>(3 + random.Below(3));
  o.shards = static_cast<int>(1 + random.Below(2));
  o.duration = milliseconds(500 + random.Below(3000));
  o.link = DrawLink(random);
  o.faults = DrawFaults(random, calm);
  o.workload = DrawWorkload(random, o.faults.wipe);
  o.workload.server_deletes = o.link.duplicate == 0;
  o.converge_alone = SimRandom(seed).Split("entropy").Chance(0.35);
  o.gossip = DrawGossip(SimRandom(seed).Split("gossip"));
  SimRandom hints = SimRandom(seed).Split("hint-room");
  if (hints.Chance(0.3)) o.hint_bytes_max = 256 << hints.Below(6);
  SimRandom lww = SimRandom(seed).Split("lww");
  if (lww.Chance(0.25)) {
    o.lww = DrawWorkload(lww, o.faults.wipe);
    o.lww.bucket = kLwwBucket;
    o.lww.first_client = 50;
    o.lww.keys = std::min(o.lww.keys, 4);
    o.lww.clients = std::min(o.lww.clients, 3);
    o.lww.plain_deletes = 0;
    o.lww.refusals_are_final = o.link.duplicate == 0;
  }
  SimRandom state = SimRandom(seed).Split("state-options");
  if (state.Chance(0.5)) o.state.changes = static_cast<int>(1 + state.Below(12));
  return o;
}

std::string WorldOptions::Describe() const {
  const auto us = [](Duration d) { return std::chrono::duration_cast<microseconds>(d).count(); };
  return absl::StrCat(
      "nodes=", nodes, " shards=", shards, " duration_ms=", us(duration) / 1000,
      " | link: delay_us=", us(link.delay_min), "+", us(link.delay_mean), " loss=", link.loss,
      " duplicate=", link.duplicate, " reorder=", link.reorder, " | faults: events=", faults.events,
      faults.crashes ? " crashes" : "", faults.kills ? " kills" : "", faults.clean_restarts ? " clean-restarts" : "",
      faults.wipe ? " wipe" : "", faults.partitions ? " partitions" : "", faults.pauses ? " pauses" : "",
      faults.clock_jumps ? " clock-jumps" : "", faults.sync_failures ? " sync-failures" : "",
      " | workload: clients=", workload.clients, " keys=", workload.keys, " ops=", workload.ops_per_client,
      " blind=", workload.blind_puts, " deletes=", workload.deletes, " w=", workload.w, " r=", workload.r,
      " timeout_ms=", us(workload.timeout) / 1000, " think_ms=", us(workload.think_time_mean) / 1000,
      converge_alone ? " converge-alone" : "", " large=", workload.padding_large, " state_changes=", state.changes,
      " hint_bytes=", hint_bytes_max, " | gossip: probe_ms=", us(gossip.probe_interval) / 1000);
}

PlantedBug ParsePlantedBug(const std::string& name) {
  if (name == "ack-before-commit") return PlantedBug::kAckBeforeCommit;
  if (name == "drop-sibling") return PlantedBug::kDropSibling;
  if (name == "forget-writes") return PlantedBug::kForgetWrites;
  if (name == "stale-leaf") return PlantedBug::kStaleLeaf;
  if (name == "reuse-lifetime") return PlantedBug::kReuseLifetime;
  if (name == "forget-votes") return PlantedBug::kForgetVotes;
  if (name == "forget-states") return PlantedBug::kForgetStates;
  if (name == "sync-does-nothing") return PlantedBug::kSyncDoesNothing;
  if (name == "forget-dead") return PlantedBug::kForgetDead;
  return PlantedBug::kNone;
}

}  // namespace henge::sim
