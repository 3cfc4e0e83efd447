#include "henge/admin.h"

#include <utility>

#include "client/src/admin_call.h"
#include "client/src/wire.h"

namespace henge {
namespace {

using std::chrono::milliseconds;

PeerView PeerOf(const v1::PeerStatus& peer) {
  return {.member = peer.member(),
          .connected = peer.connected(),
          .disqualified = peer.disqualified(),
          .latency_p95_us = peer.latency_p95_us(),
          .calls = peer.calls(),
          .failures = peer.failures(),
          .liveness = peer.liveness(),
          .incarnation = peer.incarnation()};
}

EntropyView EntropyOf(const v1::EntropyStatus& entropy) {
  EntropyView view;
  view.rounds = entropy.rounds();
  view.rounds_equal = entropy.rounds_equal();
  view.rounds_failed = entropy.rounds_failed();
  view.leaves_scanned = entropy.segments_scanned();
  view.repaired_here = entropy.repaired_here();
  view.repaired_there = entropy.repaired_there();
  view.bytes_moved = entropy.bytes_moved();
  view.leaves_left = entropy.segments_left();
  view.refused = entropy.refused();
  view.refused_by_peers = entropy.refused_by_peers();
  view.recovering = entropy.recovering();
  view.scrub_passes = entropy.scrub_passes();
  view.scrub_records = entropy.scrub_records();
  view.scrub_leaves_rewritten = entropy.scrub_segments_rewritten();
  view.scrub_leaves_unreadable = entropy.scrub_segments_unreadable();
  view.scrub_leaves_mended = entropy.scrub_segments_mended();
  for (const auto& peer : entropy.peers()) {
    EntropyPeerView& to = view.peers.emplace_back();
    to.member = peer.member();
    to.leaves_differing = peer.segments_differing();
    if (peer.has_oldest_ms()) to.oldest_ms = peer.oldest_ms();
    if (peer.has_finished_ms()) to.finished_ms = peer.finished_ms();
    if (peer.has_oldest_max_ms()) to.oldest_max_ms = peer.oldest_max_ms();
    if (peer.has_convergence_ms()) to.convergence_ms = peer.convergence_ms();
    to.partitions_differing = peer.partitions_differing();
    for (const auto& one : peer.partitions()) to.partitions.push_back({one.partition(), one.segments()});
  }
  return view;
}

void ReadHints(const v1::NodeStatusReply& reply, NodeStatus* status) {
  for (const auto& pending : reply.hints()) {
    status->hints.push_back({pending.target(), pending.hints(), pending.bytes(), pending.since_ms()});
  }
  status->hints_stored = reply.hints_stored();
  status->hints_delivered = reply.hints_delivered();
  status->hints_redirected = reply.hints_redirected();
  status->hints_dropped = reply.hints_dropped();
  status->hints_refused_full = reply.hints_refused_full();
  status->hints_set_aside = reply.hints_set_aside();
  status->hints_refused_member = reply.hints_refused_member();
  status->hints_bytes_max = reply.hints_bytes_max();
  status->hints_marked = reply.hints_marked();
  status->hint_marks = reply.hint_marks();
  status->hint_marks_cleared = reply.hint_marks_cleared();
  status->hint_marks_since_ms = reply.hint_marks_since_ms();
}

VersionView VersionOf(const v1::ExplainSibling& sibling) {
  return {.dot_store = sibling.dot_store(),
          .dot_lifetime = sibling.dot_lifetime(),
          .dot_epoch = sibling.dot_epoch(),
          .dot_counter = sibling.dot_counter(),
          .coordinator = sibling.coordinator(),
          .tombstone = sibling.tombstone(),
          .value_bytes = sibling.value_bytes(),
          .value_hash = sibling.value_hash(),
          .expires_at_ms = sibling.expires_at_ms(),
          .hlc = sibling.hlc(),
          .op_id_high = sibling.op_id_high(),
          .op_id_low = sibling.op_id_low()};
}

ReplicaView ReplicaOf(const v1::ExplainReplica& replica) {
  ReplicaView view;
  view.member = replica.member();
  view.name = replica.name();
  view.status = sdk::StatusOf(replica.code(), replica.message());
  view.found = replica.found();
  for (const auto& sibling : replica.siblings()) view.siblings.push_back(VersionOf(sibling));
  for (const auto& entry : replica.context()) {
    view.context.push_back({entry.store(), entry.lifetime(), entry.epoch(), entry.counter()});
  }
  view.written_at_ms = replica.written_at_ms();
  view.digest = replica.digest();
  view.object_bytes = replica.object_bytes();
  return view;
}

}  // namespace

absl::StatusOr<NodeStatus> FetchNodeStatus(std::string_view endpoint, milliseconds timeout) {
  auto reply = sdk::AskFirst(
      endpoint, sdk::AdminMethod<v1::NodeStatusRequest, v1::NodeStatusReply>(&v1::Admin::Stub::GetNodeStatus),
      v1::NodeStatusRequest(), timeout);
  if (!reply.ok()) return reply.status();
  NodeStatus status;
  status.member = reply->member();
  status.name = reply->name();
  status.cluster = reply->cluster();
  status.store = reply->store();
  status.state_version = reply->state_version();
  status.version = reply->version();
  status.state = reply->state();
  status.disk = reply->disk();
  status.uptime_s = reply->uptime_s();
  status.shards = reply->shards();
  status.owned_partitions = reply->owned_partitions();
  status.keys_estimate = reply->keys_estimate();
  status.data_bytes = reply->data_bytes();
  status.store_memory_bytes = reply->store_memory_bytes();
  status.resident_bytes = reply->resident_bytes();
  status.cpu_seconds = reply->cpu_seconds();
  status.gets = reply->gets();
  status.puts = reply->puts();
  status.deletes = reply->deletes();
  status.forwarded = reply->forwarded();
  status.refused = reply->refused();
  status.quorum_failures = reply->quorum_failures();
  status.hedges = reply->hedges();
  status.read_repairs = reply->read_repairs();
  status.blind_writes = reply->blind_writes();
  status.dot_collisions = reply->dot_collisions();
  status.quarantined = reply->quarantined();
  status.commits = reply->commits();
  status.commit_records = reply->commit_records();
  status.gossip_probes = reply->gossip_probes();
  status.gossip_probes_failed = reply->gossip_probes_failed();
  status.gossip_refutations = reply->gossip_refutations();
  status.gossip_forged = reply->gossip_forged();
  status.gossip_bytes_sent = reply->gossip_bytes_sent();
  status.gossip_bad_messages = reply->gossip_bad_messages();
  status.gossip_stalls = reply->gossip_stalls();
  status.gossip_health = reply->gossip_health();
  status.second_processes_refused = reply->second_processes_refused();
  status.foreign_peers_refused = reply->foreign_peers_refused();
  status.peer_calls_refused = reply->peer_calls_refused();
  status.refused_as_second = reply->refused_as_second();
  for (const auto& peer : reply->peers()) status.peers.push_back(PeerOf(peer));
  ReadHints(*reply, &status);
  status.entropy = EntropyOf(reply->entropy());
  return status;
}

absl::StatusOr<EncodedClusterState> FetchClusterState(std::string_view endpoints, milliseconds timeout) {
  auto reply = sdk::AskFirst(
      endpoints, sdk::AdminMethod<v1::ClusterStateRequest, v1::ClusterStateReply>(&v1::Admin::Stub::GetClusterState),
      v1::ClusterStateRequest(), timeout);
  if (!reply.ok()) return reply.status();
  return EncodedClusterState{std::move(*reply->mutable_state()), reply->version(), reply->digest()};
}

absl::StatusOr<Explanation> ExplainKey(std::string_view endpoints, std::string_view bucket, std::string_view key,
                                       milliseconds timeout) {
  v1::ExplainRequest request;
  request.set_bucket(std::string(bucket));
  request.set_key(std::string(key));
  auto reply = sdk::AskFirst(
      endpoints, sdk::AdminMethod<v1::ExplainRequest, v1::ExplainReply>(&v1::Admin::Stub::Explain), request, timeout);
  if (!reply.ok()) return reply.status();
  if (reply->code() != 0) return sdk::StatusOf(reply->code(), reply->message());
  Explanation explanation;
  explanation.partition = reply->partition();
  explanation.segment = reply->segment();
  explanation.layout_epoch = reply->layout_epoch();
  explanation.state_version = reply->state_version();
  explanation.owners.assign(reply->owners().begin(), reply->owners().end());
  explanation.fallbacks.assign(reply->fallbacks().begin(), reply->fallbacks().end());
  for (const auto& replica : reply->replicas()) explanation.replicas.push_back(ReplicaOf(replica));
  for (const auto& hint : reply->hints()) explanation.hints.push_back(ReplicaOf(hint));
  explanation.replicas_equal = reply->replicas_equal();
  explanation.answered_by = reply->answered_by();
  return explanation;
}

}  // namespace henge
