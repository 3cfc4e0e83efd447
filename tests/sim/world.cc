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
#include "tests/sim/provocations.h"
#include "tests/sim/sim_node.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kWorkloadLimit = seconds(120);
constexpr Duration kSettle = seconds(5);
constexpr int kFinalReadAttempts = 20;
// A pause between attempts at a delivery is as long as they have been failing, at most, so that faults of some seconds
// leave hints of about as many behind. With the marks, which wait for anti-entropy, two of the longest pauses and some.
constexpr Duration kHintAgeMax = seconds(30);
constexpr Duration kHandoffMax = seconds(150);

ClusterState StateOf(const WorldOptions& options) {
  std::vector<InitialMember> members;
  for (uint32_t i = 1; i <= options.nodes; ++i) {
    const std::string host = absl::StrCat("n", i);
    members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
  }
  const ClusterState state =
      *MakeInitialState(absl::StrCat("sim-", options.nodes), kReplicasDefault, std::move(members));
  const ClusterState with_lww = *CreateBucket(state, kLwwBucket, ConflictPolicy::kLastWriterWins, {});
  const ClusterState with_asked = *CreateBucket(with_lww, kAskedBucket, ConflictPolicy::kSiblings, {});
  return *CreateBucket(with_asked, kStrictBucket, ConflictPolicy::kSiblings, {.mode = BucketMode::kStrict});
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
    case PlantedBug::kForgetTombstones:
      return EngineBug::kForgetTombstones;
    default:
      return EngineBug::kNone;
  }
}

class World {
 public:
  World(const WorldOptions& options, const std::function<void(const std::string&)>& show);
  RunResult Run();

 private:
  void StartWorkload(const WorkloadOptions& options, std::unique_ptr<Workload>* out);
  std::vector<Workload*> Workloads() const;
  bool WorkDone() const;
  void InspectImages(const Workload& workload, const MutationRecord& mutation);
  uint32_t HintsOnDisks(const RecordKey& key, const std::vector<Dot>& dots);
  void AwaitDelivery(SimTime healed_at);
  void AwaitHandoff(SimTime healed_at);
  std::set<PartitionId> UsedPartitions() const;
  void ConvergeAlone();
  void Blackout();
  bool FinalReads();
  void JudgeAtRest(SimTime healed_at);
  void FillResult();
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
  std::unique_ptr<Provocations> provocations_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Workload> lww_;     // null in runs without one
  std::unique_ptr<Workload> strict_;  // null in runs without one
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
    n.scrub = ProvocationOptions::Of(options).Scrub();
    n.planted = options.bug;
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
  StartWorkload(options_.workload, &workload_);
  StartWorkload(options_.lww, &lww_);
  StartWorkload(options_.strict, &strict_);
  ProvocationPlace place{
      scheduler_, network_, ring_, nodes_, serious_, monitor_, [this](size_t i) { nemesis_->RestartLater(i); }, show_};
  provocations_ = std::make_unique<Provocations>(options_, std::move(place), workload_->Keys()[0]);
  state_ =
      std::make_unique<StateWorkload>(options_.state, options_.seed, options_.duration, scheduler_, nodes_, watch_);
}

void World::StartWorkload(const WorkloadOptions& options, std::unique_ptr<Workload>* out) {
  if (options.clients == 0) return;
  *out = std::make_unique<Workload>(options, options_.seed, scheduler_, network_, ring_, history_, monitor_);
  if (!options_.inspect_images) return;
  (*out)->OnAck([this, workload = out->get()](const MutationRecord& m) { InspectImages(*workload, m); });
}

std::vector<Workload*> World::Workloads() const {
  std::vector<Workload*> all;
  for (Workload* workload : {workload_.get(), lww_.get(), strict_.get()}) {
    if (workload != nullptr) all.push_back(workload);
  }
  return all;
}

bool World::WorkDone() const {
  const std::vector<Workload*> all = Workloads();
  return std::all_of(all.begin(), all.end(), [](const Workload* workload) { return workload->finished(); });
}

bool CoversAny(const absl::StatusOr<Object>& object, const std::vector<Dot>& dots) {
  return object.ok() && std::any_of(dots.begin(), dots.end(), [&](const Dot& d) { return object->vv().Covers(d); });
}

// I12 by the disks themselves: what the acknowledgement says owners and fallbacks hold durably must be on as many
// platters.
void World::InspectImages(const Workload& workload, const MutationRecord& mutation) {
  constexpr uint64_t kInspectEvery = 61;
  if (mutation.id % kInspectEvery != options_.seed % kInspectEvery || nemesis_->figures().wipes > 0) return;
  ++result_.images_inspected;
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

// I15: no hint is old, once nothing is in its way.
void World::AwaitDelivery(SimTime healed_at) {
  const auto left = [this] {
    return std::any_of(nodes_.begin(), nodes_.end(),
                       [](const auto& n) { return n->running() && n->hint_figures().hints > 0; });
  };
  const SimTime limit = std::max(scheduler_.now(), healed_at) + kHintAgeMax;
  const bool delivered = scheduler_.RunUntilTrue([&] { return !left(); }, limit);
  result_.delivered = scheduler_.now() - healed_at;
  if (delivered) return;
  for (const auto& node : nodes_) {
    for (const HintFigures::ForTarget& pending : node->HintStatus().pending) {
      Report("I15",
             absl::StrCat("node ", node->member().value(), " keeps ", pending.hints, " hints for node ",
                          pending.target.value(), " longer than ", kHintAgeMax / seconds(1), " s after the heal"));
    }
  }
}

// I15: what fallbacks keep comes to its owners by itself, and nothing stays behind.
void World::AwaitHandoff(SimTime healed_at) {
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
  const bool ended = scheduler_.RunUntilTrue([&] { return kept() == 0; }, healed_at + kHandoffMax);
  result_.handoff = scheduler_.now() - healed_at;
  if (!ended) return Report("I15", absl::StrCat(kept(), " hints were not delivered long after the heal"));
  // The last removals may still be on their way.
  scheduler_.RunFor(milliseconds(100));
  if (kept() == 0) monitor_.hints().CheckAllDelivered();
}

// All that was not synced is gone, everywhere (H16).
void World::Blackout() {
  for (auto& node : nodes_) {
    if (node->running()) node->PowerLoss();
  }
  scheduler_.RunFor(milliseconds(50));
  for (size_t n = 0; n < nodes_.size(); ++n) nemesis_->RestartLater(n);
  scheduler_.RunFor(seconds(1));
}

std::set<PartitionId> World::UsedPartitions() const {
  std::set<PartitionId> used;
  for (const Workload* workload : Workloads()) {
    for (const std::string& key : workload->Keys()) used.insert(PartitionOf(key));
  }
  for (const std::string& key : provocations_->Keys()) used.insert(PartitionOf(key));
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
  for (Workload* workload : Workloads()) {
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
  if (strict_ != nullptr) finals.merge(CollectFinals(*strict_));
  for (Violation& v : CheckAll(history_, finals, nemesis_->figures().wipes > 0))
    result_.violations.push_back(std::move(v));
  for (const Violation& v : monitor_.violations()) result_.violations.push_back(v);
  for (const Violation& v : monitor_.hints().violations()) result_.violations.push_back(v);
  if (lww_ != nullptr) {
    FinalStates lww = CollectFinals(*lww_);
    const LwwVersions versions{[this](MutationId id) { return monitor_.DotsOf(id); },
                               [this](const Dot& dot) { return monitor_.VersionOf(dot); }};
    CheckLastWriterWins(history_, lww, versions, &result_.violations);
    finals.merge(lww);
  }
  if (show_ && !result_.violations.empty()) ShowHistory(finals);
}

void World::JudgeAtRest(SimTime healed_at) {
  if (FinalReads()) {
    if (options_.blackout_at_rest) {
      Blackout();
      healed_at = scheduler_.now();
    }
    scheduler_.RunFor(kSettle);
    FinalReads();
    scheduler_.RunFor(kSettle);
    CheckFinals();
    provocations_->Finish(&result_.violations);
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
    const NemesisFigures& f = nemesis_->figures();
    const bool planned = (e.event == "StoreFailed" && f.sync_failures + f.full_disks > 0) ||
                         (e.event == "DiskClassChanged" && f.full_disks > 0) || provocations_->Explains(e);
    if (e.severity == Severity::kAlarm && !planned) Report("I5", "alarm: " + e.text);
  }
  if (scheduler_.exhausted()) Report("I17", "the run does not come to rest");
}

RunResult World::Run() {
  result_.seed = options_.seed;
  for (auto& node : nodes_) {
    if (absl::Status started = node->Start(); !started.ok()) Report("I17", "first start: " + started.ToString());
  }
  if (!result_.violations.empty()) return result_;
  scheduler_.RunFor(milliseconds(20));
  for (Workload* workload : Workloads()) workload->Start();
  state_->Start();
  nemesis_->Start();
  provocations_->Start();
  const SimTime limit = scheduler_.now() + kWorkloadLimit;
  if (!scheduler_.RunUntilTrue([this] { return WorkDone(); }, limit)) Report("I17", "the workload does not end");
  scheduler_.RunFor(options_.duration);  // what the nemesis has left to do

  for (Violation& v : nemesis_->Heal()) result_.violations.push_back(std::move(v));
  provocations_->Heal();
  const SimTime healed_at = scheduler_.now();
  AwaitDelivery(healed_at);
  if (options_.converge_alone) ConvergeAlone();
  AwaitHandoff(healed_at);
  scheduler_.RunFor(kSettle);
  JudgeAtRest(healed_at);
  FillResult();
  result_.fingerprint = scheduler_.Unseed();
  return result_;
}

void World::FillResult() {
  const NemesisFigures& f = nemesis_->figures();
  result_.crashes = f.crashes, result_.wipes = f.wipes, result_.partitions = f.partitions;
  result_.sync_failures = f.sync_failures, result_.full_disks = f.full_disks;
  result_.acked = workload_->acked();
  if (lww_ != nullptr) result_.lww_acked = lww_->acked();
  if (strict_ != nullptr) result_.strict_acked = strict_->acked();
  result_.hints = monitor_.hints().figures();
  result_.state_versions = watch_.newest().value();
  result_.state_changes = state_->changed();
  result_.mutations = history_.mutations().size();
  for (const MutationRecord& m : history_.mutations()) {
    result_.acked_by_hints += m.status == OpStatus::kOk && m.fallbacks > 0 ? 1 : 0;
  }
  result_.reads = history_.reads().size();
  for (const ReadRecord& r : history_.reads()) {
    result_.siblings_seen += r.values.size() > 1 ? 1 : 0;
    result_.strict_reads += r.strict ? 1 : 0;
  }
  result_.dots = monitor_.dots();
  result_.events = scheduler_.executed();
}

}  // namespace

RunResult RunWorld(const WorldOptions& options, std::function<void(const std::string&)> show) {
  return World(options, show).Run();
}

}  // namespace henge::sim
