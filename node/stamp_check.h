// Whether a version of a last-writer-wins bucket can be stamped here now (P9).
//
// Pure. Asked before the mint, which can't fail (P6).
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "core/model/hlc.h"

namespace henge {

// `context_hlc` and `base_hlc` are the greatest stamps that the client and the local record have shown.
// UNAVAILABLE if either is too far ahead of `wall_ms`: a new version would be stamped below it and be lost at once, or
// carry a broken clock's time on; and if `clock` itself is: this node's wall clock was set back. Which clock is wrong
// can't be told from here: another owner may still stamp.
absl::Status CheckStamp(const HybridClock& clock, uint64_t context_hlc, uint64_t base_hlc, int64_t wall_ms);

}  // namespace henge
