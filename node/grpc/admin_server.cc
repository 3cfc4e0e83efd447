#include "node/grpc/admin_server.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "core/model/hash.h"
#include "henge/v1/admin.grpc.pb.h"
#include "node/bucket_order.h"
#include "node/grpc/process_usage.h"
#include "node/grpc/status_convert.h"
#include "node/version.h"

namespace henge {
namespace {

const char* DiskName(DiskClass disk) {
  switch (disk) {
    case DiskClass::kPlenty:
      return "plenty";
    case DiskClass::kControlOnly:
      return "control-only";
    case DiskClass::kFull:
      return "full";
  }
  return "unknown";
}

const char* LivenessName(Liveness liveness) {
  switch (liveness) {
    case Liveness::kAlive:
      return "alive";
    case Liveness::kSuspect:
      return "suspect";
    case Liveness::kDead:
      return "dead";
  }
  return "unknown";
}

void GossipToProto(const GossipFigures& figures, v1::NodeStatusReply* out) {
  out->set_gossip_probes(figures.probes);
  out->set_gossip_probes_failed(figures.probes_failed);
  out->set_gossip_refutations(figures.refutations);
  out->set_gossip_forged(figures.forged);
  out->set_gossip_bytes_sent(figures.bytes_sent);
  out->set_gossip_bad_messages(figures.bad_messages);
  out->set_gossip_stalls(figures.stalls);
  out->set_gossip_health(static_cast<uint32_t>(figures.health));
}

void PeerToProto(const PeerHub::PeerState& peer, const LivenessSnapshot& liveness, v1::PeerStatus* out) {
  out->set_member(peer.member.value());
  out->set_connected(peer.connected);
  out->set_liveness(LivenessName(liveness.Of(peer.member)));
  for (const LivenessSnapshot::Entry& entry : liveness.entries()) {
    if (entry.member == peer.member) out->set_incarnation(entry.incarnation);
  }
}

void FiguresToProto(const NodeFigures& figures, v1::NodeStatusReply* out) {
  out->set_store(figures.store_id.value());
  out->set_owned_partitions(figures.owned_partitions);
  out->set_keys_estimate(figures.store.keys_estimate);
  out->set_data_bytes(figures.store.data_bytes);
  out->set_store_memory_bytes(figures.store.memory_bytes);
  out->set_gets(figures.coordinator.gets);
  out->set_puts(figures.coordinator.puts);
  out->set_deletes(figures.coordinator.deletes);
  out->set_forwarded(figures.coordinator.forwarded);
  out->set_refused(figures.coordinator.refused);
  out->set_quorum_failures(figures.coordinator.quorum_failures);
  out->set_hedges(figures.coordinator.hedges);
  out->set_read_repairs(figures.coordinator.read_repairs);
  out->set_blind_writes(figures.coordinator.blind_writes);
  out->set_dot_collisions(figures.replica.dot_collisions);
  out->set_quarantined(figures.store.quarantined);
  out->set_commits(figures.store.commits);
  out->set_commit_records(figures.store.records);
  out->set_disk(DiskName(figures.disk));
  for (const HintFigures::ForTarget& pending : figures.hints.pending) {
    v1::PendingHints* to = out->add_hints();
    to->set_target(pending.target.value());
    to->set_hints(pending.hints);
    to->set_bytes(pending.bytes);
    to->set_since_ms(static_cast<uint64_t>(std::max<int64_t>(pending.oldest_ms, 0)));
  }
  out->set_hints_stored(figures.hints.stored + figures.hints.minted);
  out->set_hints_delivered(figures.hints.delivered);
  out->set_hints_redirected(figures.hints.redirected);
  out->set_hints_dropped(figures.hints.dropped);
  out->set_hints_refused_full(figures.hints.refused_full);
  out->set_hints_set_aside(figures.hints.set_aside);
  out->set_hints_refused_member(figures.hints.refused_member);
  out->set_hints_bytes_max(figures.hints.bytes_max);
  out->set_hints_marked(figures.hints.marked);
  out->set_hint_marks(figures.hints.marks);
  out->set_hint_marks_cleared(figures.hints.marks_cleared);
  out->set_hint_marks_since_ms(static_cast<uint64_t>(std::max<int64_t>(figures.hints.marks_since_ms, 0)));
  GossipToProto(figures.gossip, out);
}

using StoreNames = std::map<StoreId, std::string>;

void ReplicaToProto(const ExplainedReplica& replica, const StoreNames& names, v1::ExplainReplica* out) {
  out->set_member(replica.member.value());
  out->set_name(replica.name);
  out->set_code(static_cast<uint32_t>(replica.status.code()));
  out->set_message(MessageToWire(replica.status));
  out->set_found(replica.found);
  out->set_written_at_ms(replica.written_at_ms);
  out->set_digest(replica.digest);
  out->set_object_bytes(replica.object_bytes);
  for (const Sibling& sibling : replica.object.siblings()) {
    v1::ExplainSibling* to = out->add_siblings();
    to->set_dot_store(sibling.dot.actor.store.value());
    to->set_dot_lifetime(sibling.dot.actor.lifetime.value());
    to->set_dot_epoch(sibling.dot.actor.epoch);
    to->set_dot_counter(sibling.dot.counter);
    to->set_tombstone(sibling.tombstone);
    to->set_value_bytes(sibling.value.size());
    to->set_value_hash(Hash64(sibling.value));
    to->set_expires_at_ms(sibling.expires_at_ms);
    to->set_hlc(sibling.hlc);
    to->set_op_id_high(sibling.op_id.high);
    to->set_op_id_low(sibling.op_id.low);
    auto name = names.find(sibling.dot.actor.store);
    if (name != names.end()) to->set_coordinator(name->second);
  }
  for (const auto& [actor, counter] : replica.object.vv().entries()) {
    v1::ExplainContextEntry* to = out->add_context();
    to->set_store(actor.store.value());
    to->set_lifetime(actor.lifetime.value());
    to->set_epoch(actor.epoch);
    to->set_counter(counter);
  }
}

uint64_t Milliseconds(Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void PeerEntropyToProto(const PeerEntropy& peer, v1::EntropyPeer* to) {
  constexpr size_t kPartitionsShownMax = 64;
  to->set_member(peer.peer.value());
  to->set_segments_differing(peer.leaves_differing);
  if (peer.oldest_min.has_value()) to->set_oldest_ms(Milliseconds(*peer.oldest_min));
  if (peer.oldest_max.has_value()) to->set_oldest_max_ms(Milliseconds(*peer.oldest_max));
  if (peer.finished.has_value()) to->set_finished_ms(Milliseconds(*peer.finished));
  if (peer.convergence.has_value()) to->set_convergence_ms(Milliseconds(*peer.convergence));
  to->set_partitions_differing(peer.partitions.size());
  std::vector<DifferencesOf::OfPartition> worst = peer.partitions;
  std::stable_sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) { return a.leaves > b.leaves; });
  worst.resize(std::min(worst.size(), kPartitionsShownMax));
  for (const DifferencesOf::OfPartition& one : worst) {
    v1::EntropyPeer::OfPartition* shown = to->add_partitions();
    shown->set_partition(one.partition.value());
    shown->set_segments(one.leaves);
  }
}

void EntropyToProto(const NodeFigures& figures, v1::EntropyStatus* out) {
  const AntiEntropyFigures& entropy = figures.entropy;
  out->set_rounds(entropy.rounds);
  out->set_rounds_equal(entropy.rounds_equal);
  out->set_rounds_failed(entropy.rounds_failed);
  out->set_segments_scanned(entropy.leaves_scanned);
  out->set_repaired_here(entropy.repaired_here);
  out->set_repaired_there(entropy.repaired_there);
  out->set_bytes_moved(entropy.bytes_moved);
  out->set_refused(entropy.refused);
  out->set_recovering(entropy.recovering);
  out->set_scrub_passes(figures.scrub.passes);
  out->set_scrub_records(figures.scrub.records);
  out->set_scrub_segments_rewritten(figures.scrub.leaves_rewritten);
  out->set_refused_by_peers(entropy.rounds_refused);
  out->set_segments_left(entropy.leaves_left);
  out->set_scrub_segments_unreadable(figures.scrub.unreadable);
  out->set_scrub_segments_mended(figures.scrub.leaves_mended);
  for (const PeerEntropy& peer : figures.peers) PeerEntropyToProto(peer, out->add_peers());
}

void ExplanationToProto(const Explanation& explanation, const StoreNames& names, v1::ExplainReply* out) {
  out->set_partition(explanation.partition.value());
  out->set_segment(explanation.segment);
  out->set_layout_epoch(explanation.epoch.value());
  out->set_state_version(explanation.state_version.value());
  for (MemberId owner : explanation.owners) out->add_owners(owner.value());
  for (MemberId fallback : explanation.fallbacks) out->add_fallbacks(fallback.value());
  for (const ExplainedReplica& replica : explanation.replicas) ReplicaToProto(replica, names, out->add_replicas());
  out->set_replicas_equal(explanation.replicas_equal);
  for (const ExplainedReplica& hint : explanation.hints) ReplicaToProto(hint, names, out->add_hints());
}

absl::StatusOr<BucketOrder> OrderFromProto(const v1::ChangeBucketRequest& in) {
  BucketOrder order{.name = in.name(), .conflict = in.conflict(), .mode = in.mode(), .durability = in.durability()};
  switch (in.action()) {
    case v1::BUCKET_ACTION_CREATE:
      order.action = BucketOrder::Action::kCreate;
      break;
    case v1::BUCKET_ACTION_SET:
      order.action = BucketOrder::Action::kSet;
      break;
    case v1::BUCKET_ACTION_DROP:
      order.action = BucketOrder::Action::kDrop;
      break;
    default:
      return absl::InvalidArgumentError("the request names no action: create, set or drop");
  }
  if (in.has_read_quorum()) order.read_quorum = in.read_quorum();
  if (in.has_write_quorum()) order.write_quorum = in.write_quorum();
  if (in.has_ttl_ms()) order.ttl_ms = in.ttl_ms();
  return order;
}

// What the caller will wait for the change of a cluster state, less what the answer takes.
Duration BudgetOf(const grpc::CallbackServerContext& context) {
  constexpr auto kMax = std::chrono::seconds(10);
  constexpr auto kForTheAnswer = std::chrono::milliseconds(100);
  const auto left = context.deadline() - std::chrono::system_clock::now();
  return std::clamp<Duration>(left - kForTheAnswer, Duration(0), kMax);
}

// What ends a call whose reply says which version of the cluster state holds the change.
template <class Reply>
auto VersionAnswer(grpc::ServerUnaryReactor* reactor, Reply* reply) {
  return [reactor, reply](const absl::StatusOr<StateVersion>& version) {
    if (version.ok()) {
      reply->set_state_version(version->value());
    } else {
      reply->set_code(static_cast<uint32_t>(version.status().code()));
      reply->set_message(MessageToWire(version.status()));
    }
    reactor->Finish(grpc::Status::OK);
  };
}

void RecoveryToProto(const RecoverResult& result, v1::RecoverReply* out) {
  const RecoveryPlan& plan = result.plan;
  out->set_done(result.done);
  out->set_begun(plan.begun);
  if (result.done || plan.begun) out->set_cluster(plan.cluster.value());
  out->set_state_version(plan.version.value());
  out->set_partitions_lost(static_cast<uint32_t>(plan.partitions_lost));
  out->set_partitions_at_risk(static_cast<uint32_t>(plan.partitions_at_risk));
  for (const std::string& name : result.unconfirmed) out->add_unconfirmed(name);
  for (const RecoveryPlan::OfMember& member : plan.members) {
    v1::RecoverReply::OfMember* to = out->add_members();
    to->set_name(member.name);
    to->set_stays(member.stays);
    to->set_disk_replaced(member.disk_replaced);
    to->set_owned_before(static_cast<uint32_t>(member.owned_before));
    to->set_owned_after(static_cast<uint32_t>(member.owned_after));
    to->set_recovering(static_cast<uint32_t>(member.recovering));
  }
}

}  // namespace

class AdminServer::Service
    : public v1::Admin::WithCallbackMethod_GetClusterState<v1::Admin::WithCallbackMethod_GetNodeStatus<
          v1::Admin::WithCallbackMethod_Explain<v1::Admin::WithCallbackMethod_ChangeBucket<
              v1::Admin::WithCallbackMethod_Bootstrap<v1::Admin::WithCallbackMethod_Recover<v1::Admin::Service>>>>>> {
 public:
  explicit Service(AdminServer& server) : server_(server) {}

  grpc::ServerUnaryReactor* GetClusterState(grpc::CallbackServerContext* context, const v1::ClusterStateRequest*,
                                            v1::ClusterStateReply* reply) override {
    const RingPtr ring = server_.node_.ring();
    reply->set_state(server_.Encoded(ring));
    reply->set_version(ring->version().value());
    reply->set_digest(ring->digest());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* GetNodeStatus(grpc::CallbackServerContext* context, const v1::NodeStatusRequest*,
                                          v1::NodeStatusReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    server_.node_.CollectFigures([this, reactor, reply](NodeFigures figures) {
      FiguresToProto(figures, reply);
      EntropyToProto(figures, reply->mutable_entropy());
      FillProcess(figures, reply);
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context, const v1::ExplainRequest* request,
                                    v1::ExplainReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reply->set_answered_by(server_.node_.self().value());
    server_.node_.Explain({request->bucket(), request->key()},
                          [this, reactor, reply](absl::StatusOr<Explanation> explanation) {
                            if (explanation.ok()) {
                              ExplanationToProto(*explanation, NamesOfStores(), reply);
                            } else {
                              reply->set_code(static_cast<uint32_t>(explanation.status().code()));
                              reply->set_message(MessageToWire(explanation.status()));
                            }
                            reactor->Finish(grpc::Status::OK);
                          });
    return reactor;
  }

  grpc::ServerUnaryReactor* ChangeBucket(grpc::CallbackServerContext* context, const v1::ChangeBucketRequest* request,
                                         v1::ChangeBucketReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    auto answer = VersionAnswer(reactor, reply);
    absl::StatusOr<BucketOrder> order = OrderFromProto(*request);
    absl::StatusOr<StateChange> change = order.ok() ? ChangeOf(*order) : absl::StatusOr<StateChange>(order.status());
    if (change.ok()) {
      server_.node_.ChangeState(*std::move(change), BudgetOf(*context), std::move(answer));
    } else {
      answer(change.status());
    }
    return reactor;
  }

  grpc::ServerUnaryReactor* Bootstrap(grpc::CallbackServerContext* context, const v1::BootstrapRequest* request,
                                      v1::BootstrapReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    server_.node_.BindWithout({request->without().begin(), request->without().end()}, BudgetOf(*context),
                              VersionAnswer(reactor, reply));
    return reactor;
  }

  grpc::ServerUnaryReactor* Recover(grpc::CallbackServerContext* context, const v1::RecoverRequest* request,
                                    v1::RecoverReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    RecoverOrder order{.survivors = {request->survivors().begin(), request->survivors().end()},
                       .force = request->force()};
    server_.node_.Recover(std::move(order), BudgetOf(*context),
                          [reactor, reply](const absl::StatusOr<RecoverResult>& result) {
                            if (result.ok()) {
                              RecoveryToProto(*result, reply);
                            } else {
                              reply->set_code(static_cast<uint32_t>(result.status().code()));
                              reply->set_message(MessageToWire(result.status()));
                            }
                            reactor->Finish(grpc::Status::OK);
                          });
    return reactor;
  }

 private:
  void FillProcess(const NodeFigures& figures, v1::NodeStatusReply* reply) {
    Node& node = server_.node_;
    const RingPtr ring = node.ring();
    const Member* member = ring->state().FindMember(node.self());
    reply->set_member(node.self().value());
    if (member != nullptr) reply->set_name(member->name);
    reply->set_cluster(ring->cluster().value());
    reply->set_state_version(ring->version().value());
    reply->set_version(kHengeVersion);
    reply->set_refused_as_second(server_.peers_.RefusedAsSecondBy());
    reply->set_second_processes_refused(server_.callers_.second_processes_refused());
    reply->set_foreign_peers_refused(server_.callers_.foreign_refused());
    reply->set_peer_calls_refused(server_.callers_.calls_refused());
    reply->set_state(!figures.store_health.ok()            ? "failed"
                     : server_.draining_                   ? "draining"
                     : !reply->refused_as_second().empty() ? "second"
                     : node.given_up()                     ? "given-up"
                                                           : "serving");
    const Duration up = server_.clock_.Now() - server_.started_;
    reply->set_uptime_s(static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(up).count()));
    reply->set_shards(static_cast<uint32_t>(node.shard_count()));
    const ProcessUsage usage = ReadProcessUsage();
    reply->set_resident_bytes(usage.resident_bytes);
    reply->set_cpu_seconds(usage.cpu_seconds);
    for (const PeerHub::PeerState& peer : server_.peers_.Peers()) {
      PeerToProto(peer, *figures.liveness, reply->add_peers());
    }
  }

  // Which member's store is which, as far as this node has met them.
  StoreNames NamesOfStores() {
    StoreNames names;
    for (const PeerHub::PeerState& peer : server_.peers_.Peers()) names[peer.store] = peer.name;
    const RingPtr ring = server_.node_.ring();
    const Member* self = ring->state().FindMember(server_.node_.self());
    if (self != nullptr) names[server_.node_.store_id()] = self->name;
    names.erase(StoreId());
    return names;
  }

  AdminServer& server_;
};

AdminServer::AdminServer(Node& node, PeerHub& peers, const PeerServer& callers, const Clock& clock)
    : node_(node),
      peers_(peers),
      callers_(callers),
      clock_(clock),
      started_(clock.Now()),
      service_(std::make_unique<Service>(*this)) {}

AdminServer::~AdminServer() = default;

std::string AdminServer::Encoded(const RingPtr& ring) {
  std::lock_guard lock(mutex_);
  if (encoded_of_ != ring) {
    encoded_ = ring->state().Encode();
    encoded_of_ = ring;
  }
  return encoded_;
}

void AdminServer::Register(grpc::ServerBuilder* builder) { builder->RegisterService(service_.get()); }

}  // namespace henge
