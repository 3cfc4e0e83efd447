// The coverage marks: for each hazard of the design's list an event that says that its situation was really reached.
//
// A clean sweep that reached nothing says nothing; so henge-sim prints how many of its seeds met each of these. Most
// are events of the node's own log; the rest are told by what provokes them (provocations.h) or by the simulated node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace henge::sim {

struct HazardMark {
  const char* hazard;
  const char* event;
  const char* situation;
};

inline constexpr auto kHazardMarks = std::to_array<HazardMark>({
    {"H14", "AckLeansOnHint", "a write was acked although fewer than W owners have it"},
    {"H15", "AckBesideStandIn", "an owner acked late, beside the fallback that stood in for it"},
    {"H16", "Blackout", "every node lost power at one instant, in the middle of writes"},
    {"H17", "PowerLostWithHints", "a fallback lost power with hints that had counted"},
    {"H18", "HintTargetReplaced", "a member's disk was replaced while hints for it were pending"},
    {"H19", "DeletedValueByHint", "a hint brought a value back to a record that is deleted"},
    {"H20", "FoundHintsGone", "a node restarted with hints, and delivered them"},
    {"H21", "OldHintDelivered", "a hint of more than three hours was delivered"},
    {"H22", "DeleteMetByExchange", "anti-entropy met a delete that a replica had missed"},
    {"H23", "ExpiredValueMerged", "a hint, a repair or anti-entropy brought a value that has expired"},
    {"H24", "ExpiredAfterMerge", "replicas differed, and what they merged to has expired"},
    {"H25", "RepairMetNewerRecord", "a read repair came to a record that had changed meanwhile"},
    {"H26", "StrictReadSpreads", "a strict read met a write that too few owners hold"},
    {"H27", "TreesNotComparable", "a peer asked about trees of other parameters"},
    {"H28", "LeafDrifted", "a leaf was not that of its records"},
    {"H29", "ContextOnlyDifference", "two replicas differed in the context only"},
    {"H30", "BackgroundYields", "clients waited while hints were delivered"},
    {"H31", "RepairPassesFallbacksBy", "a read that hints had answered repaired the owners"},
    {"H39", "ReachedByOthers", "a member that did not answer was reached by others"},
});

// Which of the marks the lines of one run show. Bit i is kHazardMarks[i].
class MarkCollector {
 public:
  // A line as SimTracer::ShowLines tells it: "12.345678s n1 info Event name=value".
  void OnLine(std::string_view line);
  bool Hit(size_t mark) const { return (hit_ >> mark & 1) != 0; }
  uint64_t bits() const { return hit_; }

 private:
  uint64_t hit_ = 0;
};

}  // namespace henge::sim
