#include "tests/sim/nemesis.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::sim {

using std::chrono::milliseconds;

Nemesis::Nemesis(const WorldOptions& options, SimScheduler& scheduler, SimNetwork& network,
                 std::vector<std::unique_ptr<SimNode>>& nodes)
    : options_(options),
      scheduler_(scheduler),
      network_(network),
      nodes_(nodes),
      random_(SimRandom(options.seed).Split("nemesis")),
      full_(nodes.size(), false) {}

void Nemesis::Start() {
  const FaultOptions& f = options_.faults;
  std::vector<Kind> kinds;
  if (f.crashes) kinds.insert(kinds.end(), 3, Kind::kPowerLoss);
  if (f.kills) kinds.insert(kinds.end(), 2, Kind::kKill);
  if (f.clean_restarts) kinds.push_back(Kind::kCleanRestart);
  if (f.blackouts) kinds.push_back(Kind::kBlackout);
  if (f.partitions) kinds.insert(kinds.end(), 3, Kind::kPartition);
  if (f.flapping) kinds.push_back(Kind::kFlapping);
  if (f.slow_nodes) kinds.push_back(Kind::kSlowNode);
  if (f.pauses) kinds.push_back(Kind::kPause);
  if (f.clock_jumps) kinds.push_back(Kind::kClockJump);
  if (f.sync_failures) kinds.push_back(Kind::kSyncFailure);
  if (f.full_disks) kinds.push_back(Kind::kFullDisk);
  const auto schedule = [this](Kind kind, Duration latest) {
    scheduler_.After(Some(Duration(0), latest), [this, kind] { Act(kind); });
  };
  if (f.wipe) schedule(Kind::kWipe, options_.duration);
  // So early that the other events meet it.
  if (f.opening_partition) schedule(Kind::kPartition, options_.duration / 3);
  if (kinds.empty()) return;
  for (int i = 0; i < f.events; ++i) schedule(kinds[random_.Below(kinds.size())], options_.duration);
}

Duration Nemesis::Span() {
  return random_.OneIn(5) ? Some(milliseconds(2500), milliseconds(9000)) : Some(milliseconds(50), milliseconds(2500));
}

// What strikes more than one node, or one that need not run.
bool Nemesis::ActOnCluster(Kind kind) {
  switch (kind) {
    case Kind::kPartition:
      Partition();
      return true;
    case Kind::kFlapping:
      ++figures_.partitions;
      Flap(CutsOf(random_.OneIn(2) ? CutShape::kPair : DrawShape(&random_), options_.nodes, &random_),
           static_cast<int>(3 + random_.Below(12)));
      return true;
    case Kind::kBlackout:
      for (size_t n = 0; n < nodes_.size(); ++n) {
        if (!nodes_[n]->running()) continue;
        ++figures_.crashes;
        nodes_[n]->PowerLoss();
        RestartLater(n);
      }
      return true;
    default:
      return false;
  }
}

void Nemesis::Act(Kind kind) {
  if (healed_ || ActOnCluster(kind)) return;
  const size_t n = random_.Below(nodes_.size());
  SimNode& node = *nodes_[n];
  if (kind == Kind::kClockJump) {
    constexpr int kHoursInTenYears = 87'600;
    const Duration by = Some(std::chrono::seconds(-3600), std::chrono::seconds(3600));
    return node.JumpClock(random_.OneIn(4) ? kHoursInTenYears * by : by);
  }
  if (kind == Kind::kSlowNode) return SlowNode(static_cast<HostId>(n + 1));
  if (kind == Kind::kFullDisk) return FillDisk(n);
  if (!node.running()) return;
  switch (kind) {
    case Kind::kPowerLoss:
      ++figures_.crashes;
      node.PowerLoss();
      return RestartLater(n);
    case Kind::kKill:
      ++figures_.crashes;
      node.Kill();
      return RestartLater(n);
    case Kind::kCleanRestart:
      if (!node.paused()) node.ShutDown([this, n] { RestartLater(n); });
      return;
    case Kind::kWipe:
      ++figures_.wipes;
      node.PowerLoss();
      node.Wipe();
      return RestartLater(n);
    case Kind::kPause:
      return Pause(&node);
    case Kind::kSyncFailure:
      ++figures_.sync_failures;
      return node.FailNextSync();
    default:
      return;
  }
}

void Nemesis::Pause(SimNode* node) {
  if (node->paused()) return;
  node->Pause();
  node->set_paused(true);
  scheduler_.After(Some(milliseconds(20), milliseconds(random_.OneIn(5) ? 6000 : 1500)), [node] {
    if (!node->running() || !node->paused()) return;
    node->Resume();
    node->set_paused(false);
  });
}

// ---- The network ----

void Nemesis::Lay(const Cuts& cuts) {
  for (const auto& [from, to] : cuts) {
    ++cuts_[{from, to}];
    network_.Cut(from, to);
  }
}

// What another fault cuts as well stays cut.
void Nemesis::Lift(const Cuts& cuts) {
  if (healed_) return;
  for (const auto& [from, to] : cuts) {
    if (--cuts_[{from, to}] == 0) network_.Mend(from, to);
  }
}

void Nemesis::Partition() {
  ++figures_.partitions;
  const Cuts cuts = CutsOf(DrawShape(&random_), options_.nodes, &random_);
  const Duration span = Span();
  if (!random_.OneIn(4)) {
    Lay(cuts);
    scheduler_.After(span, [this, cuts] { Lift(cuts); });
    return;
  }
  // Cut by cut, and mended in another order.
  for (const auto& cut : cuts) {
    const Duration begin = Some(Duration(0), span / 2);
    scheduler_.After(begin, [this, cut] {
      if (!healed_) Lay({cut});
    });
    scheduler_.After(span / 2 + Some(milliseconds(1), span / 2), [this, cut] { Lift({cut}); });
  }
}

void Nemesis::Flap(Cuts cuts, int times) {
  if (healed_ || times == 0) return;
  Lay(cuts);
  scheduler_.After(Some(milliseconds(20), milliseconds(300)), [this, cuts = std::move(cuts), times]() mutable {
    Lift(cuts);
    scheduler_.After(Some(milliseconds(20), milliseconds(300)),
                     [this, cuts = std::move(cuts), times]() mutable { Flap(std::move(cuts), times - 1); });
  });
}

// Everything to and from it is late: it answers, after its stand-ins have (H47, P10).
void Nemesis::SlowNode(HostId host) {
  SimLinkOptions slow = options_.link;
  slow.delay_min = Some(milliseconds(10), milliseconds(250));
  slow.delay_mean = slow.delay_min / 4;
  for (HostId other = 1; other <= options_.nodes; ++other) {
    if (other == host) continue;
    network_.SetLink(host, other, slow);
    network_.SetLink(other, host, slow);
  }
  ++slow_nodes_;
  scheduler_.After(Span(), [this] {
    if (--slow_nodes_ == 0) network_.ResetLinks();
  });
}

// ---- The disks ----

// Little room is left: too little for writes of clients, for hints, or for anything (P37).
void Nemesis::FillDisk(size_t node) {
  if (full_[node]) return;
  ++figures_.full_disks;
  full_[node] = true;
  nodes_[node]->LeaveFree(random_.Below(kSimFreeBytesForWrites + kSimFreeBytesForWrites / 4));
  scheduler_.After(Span(), [this, node] {
    full_[node] = false;
    nodes_[node]->LeaveFree(kSimDiskBytes);
    StartNode(node);
  });
}

// ---- The processes ----

void Nemesis::RestartLater(size_t node) {
  const Duration delay = healed_ ? milliseconds(1) : Some(milliseconds(5), milliseconds(1200));
  scheduler_.After(delay, [this, node] { StartNode(node); });
}

void Nemesis::StartNode(size_t node) {
  if (nodes_[node]->running()) return;
  const absl::Status started = nodes_[node]->Start();
  // Tried again when there is room.
  if (!started.ok() && full_[node]) return;
  // A planted failure may have met the start's own sync; whoever supervises a node tries again.
  if (!started.ok() && failed_starts_ < figures_.sync_failures) {
    ++failed_starts_;
    return RestartLater(node);
  }
  if (!started.ok()) {
    violations_.push_back({"I17", absl::StrCat("node ", node + 1, " does not start again: ", started.ToString())});
  }
}

Violations Nemesis::Heal() {
  healed_ = true;
  network_.Heal();
  network_.ResetLinks();
  cuts_.clear();
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n]->running() && nodes_[n]->paused()) {
      nodes_[n]->Resume();
      nodes_[n]->set_paused(false);
    }
    if (full_[n]) nodes_[n]->LeaveFree(kSimDiskBytes);
    full_[n] = false;
    StartNode(n);
  }
  return violations_;
}

}  // namespace henge::sim
