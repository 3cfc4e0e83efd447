#include "core/model/assignment.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/model/leveller.h"
#include "core/model/limits.h"
#include "core/model/shares.h"

namespace henge {
namespace {

constexpr int kNobody = -1;
using List = absl::InlinedVector<int, kReplicasMax + 1>;  // member indexes, in order of preference

// What counts as balanced, in thousandths of the share; and what is aimed at where anything has to move.
constexpr int64_t kBalancedPermille = 20;
constexpr int64_t kAimPermille = 10;

// The share (over `parts`) plus and minus `permille`, rounded so that a whole number is always within.
Leveller::Bounds BoundsOf(const Shares::Exact& share, int64_t parts, int64_t permille) {
  const int64_t num = static_cast<int64_t>(share.numerator);
  const int64_t den = static_cast<int64_t>(share.denominator) * parts;
  const int64_t low = (num / den * 1000 + num % den * 1000 / den) * (1000 - permille) / 1'000'000;
  const int64_t high = ((num / den * 1000 + num % den * 1000 / den + 1) * (1000 + permille) + 999'999) / 1'000'000;
  return {low, high};
}

class Solver {
 public:
  Solver(std::vector<Member> members, uint32_t replicas)
      : members_(std::move(members)),
        shares_(ComputeShares(members_, replicas)),
        lists_(kPartitionCount),
        counts_(members_.size(), 0) {}

  void Solve(const Assignment& current) {
    if (!Load(current)) {
      LayOut();
    } else {
      FillVacancies();
      if (!Within(counts_, SlotBounds(kBalancedPermille)) && !LevelSlots()) LayOut();
    }
    LevelFirsts();
  }

  Assignment Result() const {
    Assignment result(kPartitionCount);
    for (int p = 0; p < kPartitionCount; ++p) {
      result[p].reserve(lists_[p].size());
      for (int m : lists_[p]) result[p].push_back(members_[m].id);
    }
    return result;
  }

 private:
  // One unit is a replica.
  class Slots : public Leveller::Units {
   public:
    explicit Slots(Solver* solver) : s_(*solver) {}
    int partitions() const override { return kPartitionCount; }
    std::span<const int> Holders(int p) const override { return s_.lists_[p]; }
    bool CanMove(int p, int from, int to) const override { return s_.MayJoin(s_.lists_[p], to, from); }
    void Move(int p, int from, int to) override { std::replace(s_.lists_[p].begin(), s_.lists_[p].end(), from, to); }

   private:
    Solver& s_;
  };

  // One unit is a first position.
  class Firsts : public Leveller::Units {
   public:
    explicit Firsts(Solver* solver) : s_(*solver) {}
    int partitions() const override { return kPartitionCount; }
    std::span<const int> Holders(int p) const override { return {s_.lists_[p].data(), 1}; }
    bool CanMove(int p, int from, int to) const override {
      const List& list = s_.lists_[p];
      return list[0] == from && std::find(list.begin() + 1, list.end(), to) != list.end();
    }
    void Move(int p, int, int to) override {
      List& list = s_.lists_[p];
      std::iter_swap(list.begin(), std::find(list.begin() + 1, list.end(), to));
    }

   private:
    Solver& s_;
  };

  // Whether `list` may have `joiner`, in the place of `leaver` if that isn't kNobody.
  bool MayJoin(const List& list, int joiner, int leaver) const {
    int in_zone = 0;
    for (int m : list) {
      if (m == joiner) return false;
      if (m != leaver && m != kNobody && shares_.zone_of[m] == shares_.zone_of[joiner]) ++in_zone;
    }
    return in_zone < shares_.per_zone_max;
  }

  bool Load(const Assignment& current);
  void FillVacancies();
  int ChooseFiller(const List& list) const;
  bool LevelSlots();
  void LevelFirsts();
  void LayOut();
  void Rotate(int begin, int end);

  std::vector<Leveller::Bounds> SlotBounds(int64_t permille) const {
    std::vector<Leveller::Bounds> bounds;
    for (size_t m = 0; m < members_.size(); ++m) {
      Leveller::Bounds b = BoundsOf(shares_.exact[m], 1, permille);
      bounds.push_back({std::min(b.low, shares_.quotas[m]), std::max(b.high, shares_.quotas[m])});
    }
    return bounds;
  }

  static bool Within(const std::vector<int64_t>& counts, const std::vector<Leveller::Bounds>& bounds) {
    for (size_t m = 0; m < counts.size(); ++m) {
      if (counts[m] < bounds[m].low || counts[m] > bounds[m].high) return false;
    }
    return true;
  }

  std::vector<Member> members_;  // by id
  Shares shares_;
  std::vector<List> lists_;
  std::vector<int64_t> counts_;  // replicas per member
};

// Takes over what may stay of `current`; what may not is left vacant. False if nothing stays.
bool Solver::Load(const Assignment& current) {
  if (current.size() != lists_.size()) return false;
  bool any = false;
  for (int p = 0; p < kPartitionCount; ++p) {
    List& list = lists_[p];
    for (MemberId id : current[p]) {
      auto it =
          std::lower_bound(members_.begin(), members_.end(), id, [](const Member& m, MemberId i) { return m.id < i; });
      const int m = it != members_.end() && it->id == id ? static_cast<int>(it - members_.begin()) : kNobody;
      const bool stays = m != kNobody && MayJoin(list, m, kNobody);
      list.push_back(stays ? m : kNobody);
    }
    // Vacancies go before members where the list is too long; else the last ones go.
    for (int i = static_cast<int>(list.size()) - 1; i >= 0 && static_cast<int>(list.size()) > shares_.replicas; --i) {
      if (list[i] == kNobody) list.erase(list.begin() + i);
    }
    list.resize(shares_.replicas, kNobody);
    for (int m : list) {
      if (m == kNobody) continue;
      ++counts_[m];
      any = true;
    }
  }
  return any;
}

// A newcomer takes the position of whom it replaces, so that first positions pass on evenly too.
void Solver::FillVacancies() {
  int last = kNobody;
  for (List& list : lists_) {
    for (int& place : list) {
      if (place != kNobody) continue;
      const bool again = last != kNobody && counts_[last] < shares_.quotas[last] && MayJoin(list, last, kNobody);
      if (!again) last = ChooseFiller(list);
      place = last;
      ++counts_[last];
    }
  }
}

// The member that lacks most and may join. There always is one: zones and members are enough for all replicas.
int Solver::ChooseFiller(const List& list) const {
  int best = kNobody;
  int64_t best_need = 0;
  for (int m = 0; m < static_cast<int>(members_.size()); ++m) {
    const int64_t need = shares_.quotas[m] - counts_[m];
    if ((best == kNobody || need > best_need) && MayJoin(list, m, kNobody)) {
      best = m;
      best_need = need;
    }
  }
  return best;
}

bool Solver::LevelSlots() {
  const std::vector<Leveller::Bounds> bounds = SlotBounds(kAimPermille);
  Slots slots(this);
  return Leveller(&slots, &counts_, bounds).Run();
}

// First positions in proportion to the shares. A list in another order moves no data, so what stands is kept only while
// it is balanced; where it can't be, the nearest that was found stays.
void Solver::LevelFirsts() {
  std::vector<int64_t> firsts(members_.size(), 0);
  for (const List& list : lists_) ++firsts[list[0]];
  std::vector<Leveller::Bounds> balanced;
  std::vector<Leveller::Bounds> aim;
  for (size_t m = 0; m < members_.size(); ++m) {
    balanced.push_back(BoundsOf(shares_.exact[m], shares_.replicas, kBalancedPermille));
    aim.push_back(BoundsOf(shares_.exact[m], shares_.replicas, kAimPermille));
  }
  if (Within(firsts, balanced)) return;
  Firsts units(this);
  Leveller(&units, &firsts, aim).Run();
}

// From nothing: the quotas are laid end to end, zone by zone, round a circle of kPartitionCount places, `replicas`
// times round. No quota is longer than the circle, so no member stands twice above one place; nor does a zone more
// often than it may. The list changes only where one quota ends and the next begins: as few replica sets as there are
// members.
void Solver::LayOut() {
  std::vector<int> order(members_.size());
  for (size_t m = 0; m < order.size(); ++m) order[m] = static_cast<int>(m);
  std::stable_sort(order.begin(), order.end(),
                   [this](int a, int b) { return shares_.zone_of[a] < shares_.zone_of[b]; });
  for (List& list : lists_) list.clear();
  counts_ = shares_.quotas;
  int place = 0;
  for (int m : order) {
    for (int64_t i = 0; i < shares_.quotas[m]; ++i) {
      lists_[place].push_back(m);
      place = (place + 1) % kPartitionCount;
    }
  }
  for (int begin = 0; begin < kPartitionCount;) {
    int end = begin + 1;
    while (end < kPartitionCount && lists_[end] == lists_[begin]) ++end;
    Rotate(begin, end);
    begin = end;
  }
}

// Cuts a run of equal lists into as many parts as there are replicas, each with another one first.
void Solver::Rotate(int begin, int end) {
  const int replicas = shares_.replicas;
  for (int p = begin; p < end; ++p) {
    const int by = (p - begin) * replicas / (end - begin);
    std::rotate(lists_[p].begin(), lists_[p].begin() + by, lists_[p].end());
  }
}

}  // namespace

Assignment SolveAssignment(const std::vector<Member>& members, uint32_t replicas, const Assignment& current) {
  if (members.empty() || replicas == 0) return Assignment(kPartitionCount);
  std::vector<Member> by_id = members;
  std::sort(by_id.begin(), by_id.end(), [](const Member& a, const Member& b) { return a.id < b.id; });
  Solver solver(std::move(by_id), std::min<uint32_t>(replicas, kReplicasMax));
  solver.Solve(current);
  return solver.Result();
}

}  // namespace henge
