#include "tests/sim/world.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/model/bucket_changes.h"
#include "core/model/slot.h"
#include "tests/sim/entropy_check.h"
#include "tests/sim/liveness_checker.h"
#include "tests/sim/lww_checker.h"
#include "tests/sim/nemesis.h"
#include "tests/sim/sim_node.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kWorkloadLimit = seconds(120);
constexpr Duration kSettle = seconds(5);
constexpr int kFinalReadAttempts = 20;

ClusterState StateOf(const WorldOptions& options) {
  std::vector<InitialMember> members;
  for (uint32_t i = 1; i <= options.nodes; ++i) {
    const std::string host = absl::StrCat("n", i);
    members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
  }
  const ClusterState state =
      *MakeInitialState(absl::StrCat("sim-", options.nodes), kReplicasDefault, std::move(members));
  return *CreateBucket(state, kLwwBucket, ConflictPolicy::kLastWriterWins, {});
}

EngineBug EngineBugOf(PlantedBug bug) {
  switch (bug) {
    case PlantedBug::kAckBeforeCommit:
      return EngineBug::kAckBeforeCommit;
    case PlantedBug::kDropSibling:
      return EngineBug::kDropSibling;
    case PlantedBug::kForgetWrites:
      return EngineBug::kForgetWrites;
    case PlantedBug::kForgetVotes:
      return EngineBug::kForgetVotes;
    case PlantedBug::kForgetStates:
      return EngineBug::kForgetStates;
    case PlantedBug::kStaleLeaf:
      return EngineBug::kStaleLeaf;
    default:
      return EngineBug::kNone;
  }
}

class World {
 public:
  World(const WorldOptions& options, const std::function<void(const std::string&)>& show);
  RunResult Run();

 private:
  void InspectImages(const MutationRecord& mutation);
  uint32_t HintsOnDisks(const RecordKey& key, const std::vector<Dot>& dots);
  void AwaitHandoff();
  std::set<PartitionId> UsedPartitions() const;
  void ConvergeAlone();
  bool FinalReads();
  FinalStates CollectFinals(const Workload& workload);
  void CheckFinals();
  void ShowHistory(const FinalStates& finals);
  void Report(const std::string& invariant, const std::string& what) {
    result_.violations.push_back({invariant, what});
  }

  const WorldOptions& options_;
  const std::function<void(const std::string&)>& show_;
  SimScheduler scheduler_;
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  History history_;
  std::vector<SeriousEvent> serious_;
  RingPtr ring_;
  StateWatch watch_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::unique_ptr<Nemesis> nemesis_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Workload> lww_;  // null in runs without one
  std::unique_ptr<StateWorkload> state_;
  RunResult result_;
};

World::World(const WorldOptions& options, const std::function<void(const std::string&)>& show)
    : options_(options),
      show_(show),
      scheduler_(options.seed),
      random_(options.seed),
      network_(scheduler_, random_.Split("network"), options.link),
      ring_(std::make_shared<Ring>(StateOf(options))) {
  for (uint32_t i = 0; i < options.nodes; ++i) {
    SimNodeOptions n{.member = MemberId(i + 1), .state = ring_->state(), .shards = options.shards};
    n.bug = EngineBugOf(options.bug);
    n.reuse_lifetime = options.bug == PlantedBug::kReuseLifetime;
    n.watch = &watch_;
    n.gossip = options.gossip;
    n.hint_bytes_max = options.hint_bytes_max;
    n.forget_dead = options.bug == PlantedBug::kForgetDead;
    n.lying_syncs = options.bug == PlantedBug::kSyncDoesNothing;
    nodes_.push_back(std::make_unique<SimNode>(scheduler_, network_, random_, monitor_, serious_, std::move(n),
                                               [this, i] { nemesis_->RestartLater(i); }));
    nodes_.back()->ShowLines([this](const std::string& line) {
      result_.deaths += line.find(" MemberDead ") != std::string::npos ? 1 : 0;
      if (show_) show_(line);
    });
  }
  nemesis_ = std::make_unique<Nemesis>(options_, scheduler_, network_, nodes_);
  workload_ =
      std::make_unique<Workload>(options_.workload, options_.seed, scheduler_, network_, ring_, history_, monitor_);
  if (options_.lww.clients > 0) {
    lww_ = std::make_unique<Workload>(options_.lww, options_.seed, scheduler_, network_, ring_, history_, monitor_);
  }
  state_ =
      std::make_unique<StateWorkload>(options_.state, options_.seed, options_.duration, scheduler_, nodes_, watch_);
  if (options_.inspect_images) {
    workload_->OnAck([this](const MutationRecord& m) { InspectImages(m); });
    if (lww_ != nullptr) lww_->OnAck([this](const MutationRecord& m) { InspectImages(m); });
  }
}

bool CoversAny(const absl::StatusOr<Object>& object, const std::vector<Dot>& dots) {
  return object.ok() && std::any_of(dots.begin(), dots.end(), [&](const Dot& d) { return object->vv().Covers(d); });
}

// I12 by the disks themselves: what the acknowledgement says owners and fallbacks hold durably must be on as many
// platters.
void World::InspectImages(const MutationRecord& mutation) {
  constexpr uint64_t kInspectEvery = 61;
  if (mutation.id % kInspectEvery != options_.seed % kInspectEvery || nemesis_->figures().wipes > 0) return;
  ++result_.images_inspected;
  const Workload& workload = mutation.last_writer_wins ? *lww_ : *workload_;
  const RecordKey key{PartitionOf(mutation.key), workload.bucket(), mutation.key};
  const std::vector<Dot> dots = monitor_.DotsOf(mutation.id);
  if (dots.empty() && mutation.last_writer_wins) return;
  uint32_t holders = 0;
  for (MemberId owner : ring_->Owners(key.partition)) {
    holders += CoversAny(nodes_[owner.value() - 1]->ReadDurableImage(key), dots) ? 1 : 0;
  }
  if (holders < mutation.primaries) {
    Report("I12", absl::StrCat("v", mutation.id, " was acknowledged as durable on ", mutation.primaries,
                               " owners; the disks of ", holders, " have it"));
  }
  if (mutation.fallbacks == 0) return;
  ++result_.hint_images_inspected;
  if (const uint32_t keepers = HintsOnDisks(key, dots); keepers < mutation.fallbacks) {
    Report("I12", absl::StrCat("v", mutation.id, " was acknowledged as durable on ", mutation.fallbacks,
                               " fallbacks; the disks of ", keepers, " have a hint of it"));
  }
}

// How many nodes that are no owners have the version as a hint. One that was delivered meanwhile is gone by right, and
// counts.
uint32_t World::HintsOnDisks(const RecordKey& key, const std::vector<Dot>& dots) {
  uint32_t keepers = 0;
  for (const Member& member : ring_->state().members) {
    if (ring_->IsOwner(key.partition, member.id)) continue;
    const bool keeps = monitor_.MayHaveRemovedHint(static_cast<int>(member.id.value()), key.key) ||
                       CoversAny(nodes_[member.id.value() - 1]->ReadDurableHints(key), dots);
    keepers += keeps ? 1 : 0;
  }
  return keepers;
}

// What fallbacks keep comes to its owners by itself, and nothing stays behind.
void World::AwaitHandoff() {
  constexpr Duration kHandoffMax = seconds(150);  // two of the longest pauses between attempts, and some
  const auto kept = [this] {
    uint64_t hints = 0;
    for (const auto& node : nodes_) hints += node->running() ? node->hint_figures().hints : 0;
    // P18: what was given up for a mark has come by anti-entropy.
    for (const auto& node : nodes_) hints += node->HintStatus().marks;
    return hints;
  };
  for (const auto& node : nodes_) {
    const HintFigures figures = node->HintStatus();
    result_.hints_refused_full += figures.refused_full;
    result_.hints_marked += figures.marked;
  }
  const bool ended = scheduler_.RunUntilTrue([&] { return kept() == 0; }, scheduler_.now() + kHandoffMax);
  if (!ended) Report("I17", absl::StrCat(kept(), " hints and marks are left long after the heal"));
}

std::set<PartitionId> World::UsedPartitions() const {
  std::set<PartitionId> used;
  for (const Workload* workload : {workload_.get(), lww_.get()}) {
    if (workload == nullptr) continue;
    for (const std::string& key : workload->Keys()) used.insert(PartitionOf(key));
  }
  return used;
}

void World::ConvergeAlone() {
  EntropyCheck check(scheduler_, nodes_, ring_, UsedPartitions());
  const size_t before = result_.violations.size();
  check.AwaitConvergence(&result_.violations);
  if (result_.violations.size() > before) return;
  result_.converged_alone = 1;
  result_.wiped_whole = nemesis_->figures().wipes > 0 ? 1 : 0;
  result_.convergence = check.took();
}

// Every key from every node, from all replicas.
bool World::FinalReads() {
  int waiting = 0;
  int failed = 0;
  for (Workload* workload : {workload_.get(), lww_.get()}) {
    if (workload == nullptr) continue;
    for (const std::string& key : workload->Keys()) {
      for (const auto& member : ring_->state().members) {
        ++waiting;
        workload->FinalRead(key, member.id, kFinalReadAttempts, [&](bool ok) {
          --waiting;
          failed += ok ? 0 : 1;
        });
      }
    }
  }
  const bool ended = scheduler_.RunUntilTrue([&] { return waiting == 0; }, scheduler_.now() + seconds(300));
  if (!ended || failed > 0) Report("I17", absl::StrCat(failed, " final reads failed, ", waiting, " never ended"));
  return ended;
}

FinalStates World::CollectFinals(const Workload& workload) {
  FinalStates finals;
  for (const std::string& name : workload.Keys()) {
    const RecordKey key{PartitionOf(name), workload.bucket(), name};
    for (MemberId owner : ring_->Owners(key.partition)) {
      SimNode& node = *nodes_[owner.value() - 1];
      finals[name].push_back(node.running() ? node.ReadRecord(key) : Object());
    }
  }
  return finals;
}

// What a reader needs to understand a violation: every write of each key, and what the replicas hold.
void World::ShowHistory(const FinalStates& finals) {
  const auto at = [](MonotonicTime t) { return static_cast<double>(t.time_since_epoch().count()) * 1e-9; };
  for (const auto& [key, replicas] : finals) {
    for (const MutationRecord& m : history_.mutations()) {
      if (m.key != key) continue;
      std::string line =
          absl::StrCat(key, " v", m.id, " client ", m.client, m.is_delete ? " delete" : " put", m.blind ? " blind" : "",
                       " observed={", absl::StrJoin(m.observed, ","), "} status=", static_cast<int>(m.status),
                       " attempts=", m.attempts, " durable=", m.durable, " ",
                       absl::StrFormat("%.6f..%.6f", at(m.invoked_at), at(m.done_at)), " dots=");
      for (const Dot& d : monitor_.DotsOf(m.id)) {
        absl::StrAppend(&line, " ", absl::Hex(d.actor.store.value() >> 48), ".",
                        absl::Hex(d.actor.lifetime.value() >> 48), ".", d.actor.epoch, ":", d.counter);
      }
      show_(line);
    }
    for (const ReadRecord& r : history_.reads()) {
      if (r.key != key) continue;
      show_(absl::StrCat(key, " read by ", r.client, r.final ? " (final)" : "", " {", absl::StrJoin(r.values, ","),
                         "} ", absl::StrFormat("%.6f..%.6f", at(r.invoked_at), at(r.done_at))));
    }
    for (size_t i = 0; i < replicas.size(); ++i) {
      std::string line = absl::StrCat(key, " owner ", i, " vv:");
      for (const auto& e : replicas[i].vv().entries()) {
        absl::StrAppend(&line, " ", absl::Hex(e.actor.store.value() >> 48), ".",
                        absl::Hex(e.actor.lifetime.value() >> 48), ".", e.actor.epoch, ":", e.counter);
      }
      for (const Sibling& s : replicas[i].siblings()) {
        absl::StrAppend(&line, s.tombstone ? " tombstone " : " v", s.op_id.low);
      }
      show_(line);
    }
  }
}

void World::CheckFinals() {
  for (MutationId id = 1; history_.Find(id) != nullptr; ++id) {
    history_.Find(id)->times_minted = monitor_.DotsOf(id).size();
    result_.double_mints += monitor_.DotsOf(id).size() > 1 ? 1 : 0;
  }
  FinalStates finals = CollectFinals(*workload_);
  for (Violation& v : CheckAll(history_, finals, nemesis_->figures().wipes > 0))
    result_.violations.push_back(std::move(v));
  for (const Violation& v : monitor_.violations()) result_.violations.push_back(v);
  if (lww_ != nullptr) {
    FinalStates lww = CollectFinals(*lww_);
    const LwwVersions versions{[this](MutationId id) { return monitor_.DotsOf(id); },
                               [this](const Dot& dot) { return monitor_.VersionOf(dot); }};
    CheckLastWriterWins(history_, lww, versions, &result_.violations);
    finals.merge(lww);
  }
  if (show_ && !result_.violations.empty()) ShowHistory(finals);
}

RunResult World::Run() {
  result_.seed = options_.seed;
  for (auto& node : nodes_) {
    if (absl::Status started = node->Start(); !started.ok()) Report("I17", "first start: " + started.ToString());
  }
  if (!result_.violations.empty()) return result_;
  scheduler_.RunFor(milliseconds(20));
  workload_->Start();
  if (lww_ != nullptr) lww_->Start();
  state_->Start();
  nemesis_->Start();
  const SimTime limit = scheduler_.now() + kWorkloadLimit;
  if (!scheduler_.RunUntilTrue([this] { return workload_->finished() && (lww_ == nullptr || lww_->finished()); },
                               limit))
    Report("I17", "the workload does not end");
  scheduler_.RunFor(options_.duration);  // what the nemesis has left to do

  for (Violation& v : nemesis_->Heal()) result_.violations.push_back(std::move(v));
  const SimTime healed_at = scheduler_.now();
  if (options_.converge_alone) ConvergeAlone();
  scheduler_.RunFor(kSettle);
  AwaitHandoff();
  if (FinalReads()) {
    scheduler_.RunFor(kSettle);
    FinalReads();
    scheduler_.RunFor(kSettle);
    CheckFinals();
    EntropyCheck(scheduler_, nodes_, ring_, UsedPartitions()).CheckTrees(&result_.violations);
    for (auto& node : nodes_) {
      if (!node->running()) continue;
      const AntiEntropyFigures entropy = node->EntropyFigures();
      result_.repaired += entropy.repaired_here + entropy.repaired_there;
    }
  }
  CheckEveryoneAlive(scheduler_, nodes_, healed_at + LivenessBound(options_.gossip), &result_.violations);
  state_->Finish(&result_.violations);
  for (const SeriousEvent& e : serious_) {
    const bool planned = e.event == "StoreFailed" && nemesis_->figures().sync_failures > 0;
    if (e.severity == Severity::kAlarm && !planned) Report("I5", "alarm: " + e.text);
  }
  if (scheduler_.exhausted()) Report("I17", "the run does not come to rest");

  const NemesisFigures& f = nemesis_->figures();
  result_.crashes = f.crashes, result_.wipes = f.wipes, result_.partitions = f.partitions;
  result_.sync_failures = f.sync_failures;
  result_.acked = workload_->acked();
  if (lww_ != nullptr) result_.lww_acked = lww_->acked();
  result_.state_versions = watch_.newest().value();
  result_.state_changes = state_->changed();
  result_.mutations = history_.mutations().size();
  result_.acked_by_hints = static_cast<uint64_t>(
      std::count_if(history_.mutations().begin(), history_.mutations().end(),
                    [](const MutationRecord& m) { return m.status == OpStatus::kOk && m.fallbacks > 0; }));
  result_.reads = history_.reads().size();
  result_.siblings_seen = static_cast<uint64_t>(std::count_if(history_.reads().begin(), history_.reads().end(),
                                                              [](const ReadRecord& r) { return r.values.size() > 1; }));
  result_.dots = monitor_.dots();
  result_.events = scheduler_.executed();
  result_.fingerprint = scheduler_.Unseed();
  return result_;
}

}  // namespace

RunResult RunWorld(const WorldOptions& options, std::function<void(const std::string&)> show) {
  return World(options, show).Run();
}

}  // namespace henge::sim
