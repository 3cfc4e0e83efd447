#include "tests/sim/hazard_marks.h"

namespace henge::sim {
namespace {

// The fourth word.
std::string_view EventOf(std::string_view line) {
  for (int skipped = 0; skipped < 3; ++skipped) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

}  // namespace

void MarkCollector::OnLine(std::string_view line) {
  static_assert(kHazardMarks.size() <= 64);
  const std::string_view event = EventOf(line);
  for (size_t i = 0; i < kHazardMarks.size(); ++i) {
    if (event == kHazardMarks[i].event) hit_ |= uint64_t{1} << i;
  }
}

}  // namespace henge::sim
