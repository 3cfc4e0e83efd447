// What both codecs share: statuses and durations as they stand in messages.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/model/time.h"

namespace henge {

// google.rpc.Code has the numbers of absl::StatusCode; one that nobody knows becomes UNKNOWN.
absl::Status StatusFromWire(uint32_t code, const std::string& message);

// A message for people, as a protobuf string takes it (UTF-8) and no longer than a line or two.
std::string MessageToWire(const absl::Status& status);

// Whole microseconds, at least 1 for a time that is not over; 0 for one that is.
uint64_t BudgetToWire(Duration budget);
// Cut to kWireBudgetMax.
Duration BudgetFromWire(uint64_t budget_us);

}  // namespace henge
