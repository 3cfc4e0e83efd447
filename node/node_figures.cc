#include "node/node_figures.h"

#include <algorithm>

namespace henge {

void AddTo(NodeFigures* sum, const CoordinatorFigures& shard) {
  CoordinatorFigures& to = sum->coordinator;
  to.gets += shard.gets;
  to.puts += shard.puts;
  to.deletes += shard.deletes;
  to.forwarded += shard.forwarded;
  to.refused += shard.refused;
  to.quorum_failures += shard.quorum_failures;
  to.deadline_exceeded += shard.deadline_exceeded;
  to.hedges += shard.hedges;
  to.read_repairs += shard.read_repairs;
  to.blind_writes += shard.blind_writes;
  to.op_id_hits += shard.op_id_hits;
  to.amnesia_events += shard.amnesia_events;
  to.hints_sent += shard.hints_sent;
  to.as_fallback += shard.as_fallback;
  to.in_flight += shard.in_flight;
}

void AddTo(NodeFigures* sum, const ReplicaFigures& shard) {
  ReplicaFigures& to = sum->replica;
  to.mints += shard.mints;
  to.merges += shard.merges;
  to.merges_without_change += shard.merges_without_change;
  to.reads += shard.reads;
  to.dot_collisions += shard.dot_collisions;
  to.undecodable += shard.undecodable;
  to.lifetimes_closed += shard.lifetimes_closed;
  to.stamps_ahead += shard.stamps_ahead;
  to.mended += shard.mended;
  to.fenced += shard.fenced;
}

void AddTo(NodeFigures* sum, const HintFigures& shard) {
  HintFigures& to = sum->hints;
  for (const HintFigures::ForTarget& one : shard.pending) {
    auto at = std::lower_bound(to.pending.begin(), to.pending.end(), one.target,
                               [](const HintFigures::ForTarget& a, MemberId b) { return a.target < b; });
    if (at == to.pending.end() || at->target != one.target) at = to.pending.insert(at, {one.target, 0, 0});
    at->hints += one.hints;
    at->bytes += one.bytes;
  }
  to.stored += shard.stored;
  to.unchanged += shard.unchanged;
  to.minted += shard.minted;
  to.refused_full += shard.refused_full;
  to.fenced += shard.fenced;
  to.undecodable += shard.undecodable;
  to.set_aside += shard.set_aside;
  to.delivered += shard.delivered;
  to.redirected += shard.redirected;
  to.dropped += shard.dropped;
  to.delivery_failures += shard.delivery_failures;
}

}  // namespace henge
