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
      random_(SimRandom(options.seed).Split("nemesis")) {}

void Nemesis::Start() {
  const FaultOptions& f = options_.faults;
  std::vector<Kind> kinds;
  if (f.crashes) kinds.insert(kinds.end(), 3, Kind::kPowerLoss);
  if (f.kills) kinds.insert(kinds.end(), 2, Kind::kKill);
  if (f.clean_restarts) kinds.push_back(Kind::kCleanRestart);
  if (f.partitions) kinds.insert(kinds.end(), 3, Kind::kPartition);
  if (f.pauses) kinds.push_back(Kind::kPause);
  if (f.clock_jumps) kinds.push_back(Kind::kClockJump);
  if (f.sync_failures) kinds.push_back(Kind::kSyncFailure);
  if (f.wipe) scheduler_.After(Some(Duration(0), options_.duration), [this] { Act(Kind::kWipe); });
  if (kinds.empty()) return;
  for (int i = 0; i < f.events; ++i) {
    const Kind kind = kinds[random_.Below(kinds.size())];
    scheduler_.After(Some(Duration(0), options_.duration), [this, kind] { Act(kind); });
  }
}

void Nemesis::Act(Kind kind) {
  if (healed_) return;
  const size_t n = random_.Below(nodes_.size());
  SimNode& node = *nodes_[n];
  if (kind == Kind::kPartition) return Partition();
  if (kind == Kind::kClockJump) {
    constexpr int kHoursInTenYears = 87'600;
    const Duration by = Some(std::chrono::seconds(-3600), std::chrono::seconds(3600));
    return node.JumpClock(random_.OneIn(4) ? kHoursInTenYears * by : by);
  }
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
      if (node.paused()) return;
      node.Pause();
      node.set_paused(true);
      scheduler_.After(Some(milliseconds(20), milliseconds(1500)), [&node] {
        if (!node.running() || !node.paused()) return;
        node.Resume();
        node.set_paused(false);
      });
      return;
    case Kind::kSyncFailure:
      ++figures_.sync_failures;
      return node.FailNextSync();
    case Kind::kPartition:
    case Kind::kClockJump:
      return;
  }
}

void Nemesis::Partition() {
  ++figures_.partitions;
  const auto count = static_cast<uint32_t>(nodes_.size());
  const auto a = static_cast<HostId>(1 + random_.Below(count));
  const auto b = static_cast<HostId>(1 + (a + random_.Below(count - 1)) % count);
  std::vector<std::pair<HostId, HostId>> cuts;
  switch (random_.Below(4)) {
    case 0:  // a is alone
      for (HostId other = 1; other <= count; ++other) {
        if (other != a) cuts.insert(cuts.end(), {{a, other}, {other, a}});
      }
      break;
    case 1:  // a and b don't see each other, everyone else sees both
      cuts = {{a, b}, {b, a}};
      break;
    case 2:  // a's words to b are lost
      cuts = {{a, b}};
      break;
    default:  // a hears, and is not heard
      for (HostId other = 1; other <= count; ++other) {
        if (other != a) cuts.emplace_back(a, other);
      }
  }
  for (const auto& [from, to] : cuts) network_.Cut(from, to);
  scheduler_.After(Some(milliseconds(50), milliseconds(2500)), [this, cuts] {
    for (const auto& [from, to] : cuts) network_.Mend(from, to);
  });
}

void Nemesis::RestartLater(size_t node) {
  const Duration delay = healed_ ? milliseconds(1) : Some(milliseconds(5), milliseconds(1200));
  scheduler_.After(delay, [this, node] { StartNode(node); });
}

void Nemesis::StartNode(size_t node) {
  if (nodes_[node]->running()) return;
  const absl::Status started = nodes_[node]->Start();
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
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n]->running() && nodes_[n]->paused()) {
      nodes_[n]->Resume();
      nodes_[n]->set_paused(false);
    }
    StartNode(n);
  }
  return violations_;
}

}  // namespace henge::sim
