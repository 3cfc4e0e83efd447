#include "node/node_figures.h"

#include <algorithm>
#include <optional>

namespace henge {
namespace {

using OfPartition = DifferencesOf::OfPartition;

// Shards have no partition in common.
void MergePartitions(const std::vector<OfPartition>& from, std::vector<OfPartition>* to) {
  const auto middle = static_cast<ptrdiff_t>(to->size());
  to->insert(to->end(), from.begin(), from.end());
  std::inplace_merge(to->begin(), to->begin() + middle, to->end(),
                     [](const OfPartition& a, const OfPartition& b) { return a.partition < b.partition; });
}

}  // namespace

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
  to.refused_recovering += shard.refused_recovering;
}

void AddTo(NodeFigures* sum, const AntiEntropyFigures& shard) {
  AntiEntropyFigures& to = sum->entropy;
  to.rounds += shard.rounds;
  to.rounds_equal += shard.rounds_equal;
  to.rounds_failed += shard.rounds_failed;
  to.rounds_refused += shard.rounds_refused;
  to.leaves_scanned += shard.leaves_scanned;
  to.leaves_left += shard.leaves_left;
  to.repaired_here += shard.repaired_here;
  to.repaired_there += shard.repaired_there;
  to.bytes_moved += shard.bytes_moved;
  to.refused += shard.refused;
  to.recovering += shard.recovering;
}

void AddTo(NodeFigures* sum, const ScrubFigures& shard) {
  ScrubFigures& to = sum->scrub;
  to.passes += shard.passes;
  to.partitions += shard.partitions;
  to.records += shard.records;
  to.leaves_rewritten += shard.leaves_rewritten;
  to.unreadable += shard.unreadable;
  to.leaves_mended += shard.leaves_mended;
}

void AddTo(NodeFigures* sum, const std::vector<PeerEntropy>& shard) {
  for (const PeerEntropy& from : shard) {
    const auto at = std::lower_bound(sum->peers.begin(), sum->peers.end(), from.peer,
                                     [](const PeerEntropy& peer, MemberId id) { return peer.peer < id; });
    if (at == sum->peers.end() || at->peer != from.peer) {
      sum->peers.insert(at, from);
      continue;
    }
    PeerEntropy& to = *at;
    // Of a shard without differences there is no age; of one whose bound is unknown the sum knows none either.
    if (from.leaves_differing > 0) {
      const bool known = from.oldest_max.has_value() && (to.leaves_differing == 0 || to.oldest_max.has_value());
      to.oldest_min = std::max(to.oldest_min.value_or(*from.oldest_min), *from.oldest_min);
      to.oldest_max =
          known ? std::optional(std::max(to.oldest_max.value_or(*from.oldest_max), *from.oldest_max)) : std::nullopt;
    }
    to.leaves_differing += from.leaves_differing;
    MergePartitions(from.partitions, &to.partitions);
    if (!from.convergence.has_value()) {
      to.convergence.reset();
    } else if (to.convergence.has_value()) {
      to.convergence = std::max(*to.convergence, *from.convergence);
    }
    // Not carried through by one shard yet: not carried through.
    if (!from.finished.has_value()) {
      to.finished.reset();
    } else if (to.finished.has_value()) {
      to.finished = std::max(*to.finished, *from.finished);
    }
  }
}

void AddTo(NodeFigures* sum, const HintFigures& shard) {
  HintFigures& to = sum->hints;
  for (const HintFigures::ForTarget& one : shard.pending) {
    auto at = std::lower_bound(to.pending.begin(), to.pending.end(), one.target,
                               [](const HintFigures::ForTarget& a, MemberId b) { return a.target < b; });
    if (at == to.pending.end() || at->target != one.target)
      at = to.pending.insert(at, {one.target, 0, 0, one.oldest_ms});
    at->hints += one.hints;
    at->bytes += one.bytes;
    at->oldest_ms = std::min(at->oldest_ms, one.oldest_ms);
  }
  to.stored += shard.stored;
  to.unchanged += shard.unchanged;
  to.minted += shard.minted;
  to.refused_full += shard.refused_full;
  to.refused_member += shard.refused_member;
  to.fenced += shard.fenced;
  to.undecodable += shard.undecodable;
  to.set_aside += shard.set_aside;
  to.delivered += shard.delivered;
  to.redirected += shard.redirected;
  to.dropped += shard.dropped;
  to.delivery_failures += shard.delivery_failures;
  to.bytes_max += shard.bytes_max;
  to.marked += shard.marked;
  to.marks_cleared += shard.marks_cleared;
  to.marks += shard.marks;
  if (shard.marks_since_ms == 0) return;
  to.marks_since_ms = to.marks_since_ms == 0 ? shard.marks_since_ms : std::min(to.marks_since_ms, shard.marks_since_ms);
}

}  // namespace henge
