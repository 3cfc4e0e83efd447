// What this coordinator thinks of each replica, from the latency of real requests alone, never from heartbeats (H47).
//
// A value type, owned by a shard's coordinator. A first attempt that has no answer by its hedge delay is a strike; a
// run of strikes disqualifies the replica at once: it is asked last, until a probe (one per interval, half-open) is
// answered in time. Attempts that were under way at a strike can't be another one: one hiccup under load is one strike.
#pragma once

#include <cstdint>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "coordinator/latency_window.h"
#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge {

struct ReplicaHealthOptions {
  Duration hedge_delay_initial = std::chrono::milliseconds(20);
  Duration hedge_delay_min = std::chrono::milliseconds(1);
  int strikes_to_disqualify = 3;
  Duration probe_interval = std::chrono::milliseconds(200);
};

class ReplicaHealth {
 public:
  explicit ReplicaHealth(ReplicaHealthOptions options) : options_(options) {}

  // How long a first attempt may take before another owner is asked too: the replica's own recent p95.
  Duration HedgeDelay(MemberId member) const;

  // A first attempt or a probe was answered after `latency`. Returns whether that qualified the replica again.
  bool OnAnswer(MemberId member, Duration latency);

  // An attempt that was sent at `sent_at` failed, or has no answer by its hedge delay. Returns whether that
  // disqualified the replica.
  bool OnStrike(MemberId member, MonotonicTime sent_at, MonotonicTime now);

  bool Disqualified(MemberId member) const;
  bool AnyDisqualified() const { return disqualified_ > 0; }

  // Whether a disqualified replica may be probed now; counts the probe.
  bool TakeProbe(MemberId member, MonotonicTime now);

  // Puts those to ask first in front: qualified ones before disqualified ones, then by latency. Latencies within a
  // factor of two count as equal; `rotation` spreads the load among those.
  void OrderByPreference(std::span<MemberId> members, uint32_t rotation) const;

 private:
  struct Entry {
    LatencyWindow latency;
    int strikes = 0;
    bool disqualified = false;
    MonotonicTime struck_at;
    MonotonicTime probe_at;
  };

  const Entry* Find(MemberId member) const;
  // Lower is asked earlier.
  int Rank(MemberId member) const;

  ReplicaHealthOptions options_;
  absl::flat_hash_map<MemberId, Entry> entries_;  // looked up only, never iterated
  int disqualified_ = 0;
};

}  // namespace henge
