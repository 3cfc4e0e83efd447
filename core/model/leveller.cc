#include "core/model/leveller.h"

#include <algorithm>

namespace henge {
namespace {

constexpr int kNobody = -1;

}  // namespace

int64_t Leveller::Excess(int member, Phase phase) const {
  const Bounds& b = bounds_[member];
  return std::max<int64_t>(0, counts_[member] - (phase == Phase::kToUnder ? b.low : b.high));
}

int64_t Leveller::Need(int member, Phase phase) const {
  const Bounds& b = bounds_[member];
  return std::max<int64_t>(0, (phase == Phase::kFromOver ? b.high : b.low) - counts_[member]);
}

bool Leveller::Run() {
  return RunPhase(Phase::kOverToUnder) && RunPhase(Phase::kFromOver) && RunPhase(Phase::kToUnder);
}

// Ends when nobody is left to give (kFromOver) or to take (kToUnder), or one of the two (kOverToUnder).
bool Leveller::RunPhase(Phase phase) {
  const int members = static_cast<int>(counts_.size());
  const int rounds_max =
      16 * members + 64;  // far more than any real case takes; a bound against going round in circles
  for (int round = 0; round < rounds_max; ++round) {
    int64_t excess = 0;
    int64_t need = 0;
    for (int m = 0; m < members; ++m) {
      excess += Excess(m, phase);
      need += Need(m, phase);
    }
    const bool done = phase == Phase::kOverToUnder ? excess == 0 || need == 0
                      : phase == Phase::kFromOver  ? excess == 0
                                                   : need == 0;
    if (done) return true;
    if (excess == 0 || need == 0) return false;
    if (SweepDirect(phase) == 0 && !ShiftAlongPath(phase)) return phase == Phase::kOverToUnder;
  }
  return false;
}

// One pass over the partitions: units go straight from who has too many to who has too few.
int64_t Leveller::SweepDirect(Phase phase) {
  int64_t moved = 0;
  int last_from = kNobody;
  int last_to = kNobody;
  for (int p = 0; p < units_.partitions(); ++p) {
    const std::span<const int> holders = units_.Holders(p);
    int from = kNobody;
    int to = kNobody;
    if (std::find(holders.begin(), holders.end(), last_from) != holders.end() && Excess(last_from, phase) > 0) {
      from = last_from;
      to = ChooseTaker(p, from, last_to, phase);
    }
    for (int holder : holders) {
      if (to != kNobody) break;
      if (Excess(holder, phase) == 0) continue;
      from = holder;
      to = ChooseTaker(p, from, last_to, phase);
    }
    if (to == kNobody) continue;
    Move(p, from, to);
    ++moved;
    last_from = from;
    last_to = to;
  }
  return moved;
}

int Leveller::ChooseTaker(int partition, int from, int last, Phase phase) const {
  if (last != kNobody && Need(last, phase) > 0 && units_.CanMove(partition, from, last)) return last;
  int best = kNobody;
  int64_t best_need = 0;
  for (int m = 0; m < static_cast<int>(counts_.size()); ++m) {
    const int64_t need = Need(m, phase);
    if (need > best_need && units_.CanMove(partition, from, m)) {
      best = m;
      best_need = need;
    }
  }
  return best;
}

// Where no straight move is possible, units go through others: each on the way gives as many as it gets.
bool Leveller::ShiftAlongPath(Phase phase) {
  const std::vector<int> path = FindPath(phase);
  if (path.empty()) return false;
  int64_t amount = std::min(Excess(path.front(), phase), Need(path.back(), phase));
  for (size_t i = path.size() - 1; i > 0 && amount > 0; --i) amount = Shift(path[i - 1], path[i], amount);
  return true;
}

// The shortest path from a member with too many to one with too few; empty if there is none.
std::vector<int> Leveller::FindPath(Phase phase) const {
  const int members = static_cast<int>(counts_.size());
  std::vector<std::vector<int>> partitions_of(members);
  for (int p = 0; p < units_.partitions(); ++p) {
    for (int holder : units_.Holders(p)) partitions_of[holder].push_back(p);
  }
  std::vector<int> reached_from(members, kNobody);
  std::vector<int> queue;
  std::vector<int> unreached;
  for (int m = 0; m < members; ++m) {
    if (Excess(m, phase) > 0) {
      queue.push_back(m);
    } else {
      unreached.push_back(m);
    }
  }
  for (size_t next = 0; next < queue.size(); ++next) {
    const int from = queue[next];
    for (int p : partitions_of[from]) {
      for (size_t i = 0; i < unreached.size();) {
        const int to = unreached[i];
        if (!units_.CanMove(p, from, to)) {
          ++i;
          continue;
        }
        reached_from[to] = from;
        if (Need(to, phase) > 0) {
          std::vector<int> path;
          for (int at = to; at != kNobody; at = reached_from[at]) path.push_back(at);
          std::reverse(path.begin(), path.end());
          return path;
        }
        queue.push_back(to);
        unreached.erase(unreached.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
  return {};
}

int64_t Leveller::Shift(int from, int to, int64_t wanted) {
  int64_t moved = 0;
  for (int p = 0; p < units_.partitions() && moved < wanted; ++p) {
    const std::span<const int> holders = units_.Holders(p);
    if (std::find(holders.begin(), holders.end(), from) == holders.end() || !units_.CanMove(p, from, to)) continue;
    Move(p, from, to);
    ++moved;
  }
  return moved;
}

void Leveller::Move(int partition, int from, int to) {
  units_.Move(partition, from, to);
  --counts_[from];
  ++counts_[to];
}

}  // namespace henge
