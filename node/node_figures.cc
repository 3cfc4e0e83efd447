#include "node/node_figures.h"

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

}  // namespace henge
