// What this coordinator thinks of each replica, from the latency of real requests alone, never from heartbeats (H47).
//
// A value type, owned by a shard's coordinator. A first attempt that has no answer by its hedge delay is a strike. One
// strike is enough for the replica to be asked last, and beside a stand-in: no second request waits for it. A probe at
// once tells whether it was a hiccup. A run of strikes disqualifies it for the whole node, until a probe (one per
// interval, half-open) is answered in time. Attempts that were under way at a strike can't be another one: one hiccup
// under load is one strike. Reads and writes have latencies and strikes of their own: a write waits for a disk.
//
// A disqualified replica of which nothing at all was heard for a while, though it was asked, is silent: dead, or cut
// off from here. The patience that a request owes it has been had, once for all of them, so that none waits for it
// again. That verdict is as old as the last attempt without an answer, and ends soon unless probes renew it; when
// nobody has asked for a while, it takes as long as the first time.
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
  Duration silence_min = std::chrono::milliseconds(100);  // without any answer, until a replica counts as silent
};

class ReplicaHealth {
 public:
  enum class Attempt : uint8_t { kRead, kWrite };

  explicit ReplicaHealth(ReplicaHealthOptions options) : options_(options) {}

  // How long a first attempt may take before another owner is asked too: the replica's own recent p95.
  Duration HedgeDelay(MemberId member, Attempt kind = Attempt::kRead) const;

  // A first attempt or a probe was answered after `latency`. Returns whether that qualified the replica again: an
  // answer to a write doesn't, it says nothing about reads.
  bool OnAnswer(MemberId member, Duration latency, Attempt kind = Attempt::kRead);

  // An attempt that was sent at `sent_at` failed, or has no answer by its hedge delay. Returns whether that
  // disqualified the replica.
  bool OnStrike(MemberId member, MonotonicTime sent_at, MonotonicTime now, Attempt kind = Attempt::kRead);

  // Something came back from the replica, be it late, an error of its own or no first attempt: it is there.
  void OnHeard(MemberId member, MonotonicTime now);

  // Another shard of this node has disqualified the replica, or has heard it answer in time again.
  void OnVerdict(MemberId member, bool disqualified, MonotonicTime now);

  bool Disqualified(MemberId member) const;
  // Disqualified, or struck since it last answered in time: to be asked last, and not to be waited for.
  bool Avoided(MemberId member) const;
  bool AnyAvoided() const { return avoided_ > 0; }
  // Disqualified, and nothing was heard of it for silence_min and twice its p95, though it was asked just now.
  bool Silent(MemberId member, MonotonicTime now) const;

  // Whether an avoided replica may be probed now; counts the probe.
  bool TakeProbe(MemberId member, MonotonicTime now);

  // Puts those to ask first in front: those not avoided before struck ones before disqualified ones, then by latency.
  // Latencies within a factor of two count as equal; `rotation` spreads the load among those.
  void OrderByPreference(std::span<MemberId> members, uint32_t rotation) const;

 private:
  struct Track {
    LatencyWindow latency;
    int strikes = 0;
    MonotonicTime struck_at;
  };
  struct Entry {
    Track reads;
    Track writes;
    bool disqualified = false;
    bool avoided = false;  // counted in avoided_
    MonotonicTime probe_at;
    MonotonicTime heard_at{};          // what was sent before is answered, as far as silence goes
    bool unanswered = false;           // an attempt since then got no answer by its hedge delay
    MonotonicTime unanswered_since{};  // when the first of those was sent, of a row without a long pause
    MonotonicTime unanswered_at{};     // when the last of those was given up

    Track& Of(Attempt kind) { return kind == Attempt::kRead ? reads : writes; }
    const Track& Of(Attempt kind) const { return kind == Attempt::kRead ? reads : writes; }
  };

  const Entry* Find(MemberId member) const;
  Duration DelayOf(const Track& track) const;
  // Whether an attempt without an answer was given up so shortly before `at` that it says something of now.
  bool IsFresh(const Entry& entry, MonotonicTime at) const;
  void NoteUnanswered(MonotonicTime sent_at, MonotonicTime now, Entry* entry);
  // Brings avoided_ up to date after a change of `entry`.
  void Recount(Entry* entry);
  // Lower is asked earlier.
  int Rank(MemberId member) const;

  ReplicaHealthOptions options_;
  absl::flat_hash_map<MemberId, Entry> entries_;  // looked up only, never iterated
  int avoided_ = 0;
};

}  // namespace henge
