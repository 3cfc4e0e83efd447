// The coordinator: one request, many replicas. Any node takes any request; an owner of the key coordinates it, or the
// first live fallback if no owner can be reached.
//
// Loop-affine: one per shard, owned by it; serves the partitions of its shard. A thin shell: decisions are WriteTally,
// ReadTally, ReplicaHealth, ShareBudget; WriteRound, ReadRound and ForwardRound drive them.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "coordinator/local_hints.h"
#include "coordinator/local_replica.h"
#include "core/model/liveness.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/messages.h"

namespace henge {

struct CoordinatorOptions {
  MemberId self;
  Duration budget_default = std::chrono::seconds(5);
  Duration budget_max = std::chrono::seconds(60);
  int in_flight_max = 4096;                                      // requests of clients at once in this shard
  size_t in_flight_bytes_max = size_t{64} << 20;                 // of keys and values
  double hedge_share = 0.1;                                      // hedged attempts per request, at most
  double retry_share = 0.1;                                      // internal retries per request, at most
  Duration hedge_delay_initial = std::chrono::milliseconds(20);  // until a replica's own p95 is known
  Duration hedge_delay_min = std::chrono::milliseconds(1);
  int strikes_to_disqualify = 3;
  Duration probe_interval = std::chrono::milliseconds(200);  // a disqualified replica is tried again (half-open)
};

struct CoordinatorFigures {
  uint64_t gets = 0, puts = 0, deletes = 0, forwarded = 0;
  uint64_t refused = 0;          // RESOURCE_EXHAUSTED at the edge
  uint64_t quorum_failures = 0;  // UNAVAILABLE
  uint64_t deadline_exceeded = 0;
  uint64_t hedges = 0, read_repairs = 0, blind_writes = 0, op_id_hits = 0, amnesia_events = 0;
  uint64_t hints_sent = 0;   // records given to a fallback for an owner
  uint64_t as_fallback = 0;  // requests coordinated here although this node is no owner (P12)
  uint64_t in_flight = 0;
};

// How a request came to this coordinator.
enum class Via : uint8_t {
  kClient,      // forwarded if this node is no owner
  kForwarded,   // by a peer; never forwarded again
  kAsFallback,  // by a peer that reached no owner: coordinated here, owner or not
};

class Coordinator {
 public:
  // `hints` outlives the coordinator. Without them this node uses no fallbacks and is none: owners only.
  Coordinator(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring,
              LocalHints* hints = nullptr);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // The cluster state changed; requests under way see the new one after their next await.
  void UpdateRing(RingPtr ring);
  // What this node holds of its peers; for whom to ask first, never for what counts.
  void UpdateLiveness(LivenessPtr liveness);

  // `tell` learns, on the loop, what this shard's own requests show: `member` was disqualified, or qualified again.
  using VerdictFn = absl::AnyInvocable<void(MemberId member, bool disqualified)>;
  void OnVerdict(VerdictFn tell);
  // What the requests of another shard of this node showed.
  void HearVerdict(MemberId member, bool disqualified);

  // Serves one request of a client, or of a peer. `reply` runs exactly once, on the loop, at the latest soon after the
  // request's budget.
  using ReplyFn = absl::AnyInvocable<void(ClientReply)>;
  void Handle(ClientRequest request, Via via, ReplyFn reply);

  // Takes no new request (UNAVAILABLE); `idle` runs when the last one has been answered.
  void Drain(Closure idle);

  CoordinatorFigures figures() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace henge
