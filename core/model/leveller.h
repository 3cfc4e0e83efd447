// Evening out: moves units between members, one partition at a time, until every member's count is within its bounds.
//
// What a unit is, and which moves a partition allows, is the caller's: the assignment solver levels replicas with it,
// and then first positions. Deterministic. Neighbouring partitions get the same move while they can, so that runs stay
// long.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace henge {

class Leveller {
 public:
  // The partitions whose units move.
  class Units {
   public:
    virtual ~Units() = default;
    virtual int partitions() const = 0;
    // The members that have a unit of `partition`.
    virtual std::span<const int> Holders(int partition) const = 0;
    virtual bool CanMove(int partition, int from, int to) const = 0;
    virtual void Move(int partition, int from, int to) = 0;
  };

  struct Bounds {
    int64_t low = 0;
    int64_t high = 0;
  };

  // `counts` and `bounds` per member; the counts are what `units` holds now. Both outlive the leveller.
  Leveller(Units* units, std::vector<int64_t>* counts, const std::vector<Bounds>& bounds)
      : units_(*units), counts_(*counts), bounds_(bounds) {}

  // Whether all counts are within their bounds at the end.
  bool Run();

 private:
  enum class Phase { kOverToUnder, kFromOver, kToUnder };

  // How many units `member` must or may give, or take, in `phase`.
  int64_t Excess(int member, Phase phase) const;
  int64_t Need(int member, Phase phase) const;

  bool RunPhase(Phase phase);
  int64_t SweepDirect(Phase phase);
  int ChooseTaker(int partition, int from, int last, Phase phase) const;
  bool ShiftAlongPath(Phase phase);
  std::vector<int> FindPath(Phase phase) const;
  int64_t Shift(int from, int to, int64_t wanted);
  void Move(int partition, int from, int to);

  Units& units_;
  std::vector<int64_t>& counts_;
  const std::vector<Bounds>& bounds_;
};

}  // namespace henge
