#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// `calm`: one partition and three events at most, which is where most failures of such systems lie.
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
  f.blackouts = random.Chance(0.15);
  f.flapping = random.Chance(0.3);
  f.slow_nodes = random.Chance(0.3);
  f.full_disks = random.Chance(0.15);
  f.opening_partition = calm;
  f.events = static_cast<int>(calm ? random.Below(4) : 4 + random.Below(12));
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

// A workload whose every key is a register (I20): R + W > N.
WorkloadOptions DrawStrict(SimRandom random, bool wipe) {
  struct Quorums {
    uint32_t w, r;
  };
  constexpr Quorums kAny[] = {{0, 0}, {2, 2}, {3, 1}, {1, 3}, {2, 3}};
  // What fewer than all owners have may be gone with a disk, while those that have it can't be asked: that holds for
  // what a write was acked for, and for what a read has shown, which then has to be on N - R + 1 owners.
  constexpr Quorums kWiped[] = {{3, 1}};
  WorkloadOptions w = DrawWorkload(random, wipe);
  const Quorums q = wipe ? kWiped[random.Below(std::size(kWiped))] : kAny[random.Below(std::size(kAny))];
  w.strict = true;
  w.w = q.w, w.r = q.r;
  w.bucket = random.Chance(0.4) ? kStrictBucket : kAskedBucket;
  w.first_client = 70;
  w.clients = std::min(w.clients, 4);
  w.keys = std::min(w.keys, 4);
  w.plain_deletes = 0;
  // Much of it fails on the wrong side of a partition: the sooner, the more is tried.
  w.timeout = milliseconds(150 + random.Below(500));
  w.ops_per_client *= 2;
  w.one_writer = random.Chance(0.4);
  if (w.bucket == kAskedBucket && random.Chance(0.4)) w.sloppy_writes = 25;
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
  const bool calm = random.Chance(0.5);
  // With more nodes than owners there are fallbacks.
  SimRandom nodes = SimRandom(seed).Split("nodes");
  o.nodes = nodes.Chance(0.4) ? 5 : static_cast<uint32_t>(3 + nodes.Below(2));
  o.shards = static_cast<int>(1 + random.Below(2));
  o.duration = milliseconds(500 + random.Below(3000));
  // Now and then so long that gossip has its say before the heal.
  const bool is_long = SimRandom(seed).Split("long").Chance(0.15);
  if (is_long) o.duration *= 4;
  o.link = DrawLink(random);
  o.faults = DrawFaults(random, calm);
  o.workload = DrawWorkload(random, o.faults.wipe);
  o.workload.server_deletes = o.link.duplicate == 0;
  o.blackout_at_rest = SimRandom(seed).Split("rest").Chance(0.25);
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
  }
  SimRandom strict = SimRandom(seed).Split("strict");
  if (strict.Chance(0.4)) o.strict = DrawStrict(strict, o.faults.wipe);
  for (WorkloadOptions* w : {&o.workload, &o.lww, &o.strict}) {
    w->refusals_are_final = o.link.duplicate == 0;
    if (is_long) w->think_time_mean *= 4;
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
      faults.blackouts ? " blackouts" : "", faults.wipe ? " wipe" : "", faults.partitions ? " partitions" : "",
      faults.opening_partition ? " opening-partition" : "", faults.flapping ? " flapping" : "",
      faults.slow_nodes ? " slow-nodes" : "", faults.full_disks ? " full-disks" : "", faults.pauses ? " pauses" : "",
      faults.clock_jumps ? " clock-jumps" : "", faults.sync_failures ? " sync-failures" : "",
      " | workload: clients=", workload.clients, " keys=", workload.keys, " ops=", workload.ops_per_client,
      " blind=", workload.blind_puts, " deletes=", workload.deletes, " w=", workload.w, " r=", workload.r,
      " timeout_ms=", us(workload.timeout) / 1000, " think_ms=", us(workload.think_time_mean) / 1000,
      strict.clients == 0
          ? ""
          : absl::StrCat(" | strict: bucket=", strict.bucket, " clients=", strict.clients, " keys=", strict.keys,
                         " w=", strict.w, " r=", strict.r, strict.one_writer ? " one-writer" : "",
                         " sloppy_writes=", strict.sloppy_writes, " |"),
      blackout_at_rest ? " blackout-at-rest" : "", converge_alone ? " converge-alone" : "",
      " large=", workload.padding_large, " state_changes=", state.changes, " hint_bytes=", hint_bytes_max,
      " | gossip: probe_ms=", us(gossip.probe_interval) / 1000);
}

}  // namespace henge::sim
