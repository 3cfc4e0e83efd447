#include "node/stamp_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace henge {
namespace {

int64_t AheadSeconds(uint64_t hlc, int64_t wall_ms) {
  return (static_cast<int64_t>(hlc >> HybridClock::kLogicalBits) - std::max<int64_t>(wall_ms, 0)) / 1000;
}

}  // namespace

absl::Status CheckStamp(const HybridClock& clock, uint64_t context_hlc, uint64_t base_hlc, int64_t wall_ms) {
  const uint64_t seen = std::max(context_hlc, base_hlc);
  if (HybridClock::TooFarAhead(seen, wall_ms)) {
    return absl::UnavailableError(absl::StrCat("the key's last version is stamped ", AheadSeconds(seen, wall_ms),
                                               " s ahead of this node's clock, and a write now would lose "
                                               "against it: set the nodes' clocks right; the key takes "
                                               "writes again when they have passed that time"));
  }
  if (HybridClock::TooFarAhead(clock.last(), wall_ms)) {
    return absl::UnavailableError(absl::StrCat("this node's clock was set back by ",
                                               AheadSeconds(clock.last(), wall_ms),
                                               " s and can't stamp last-writer-wins versions: set it right, or restart "
                                               "the node"));
  }
  return absl::OkStatus();
}

}  // namespace henge
