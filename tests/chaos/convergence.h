// Whether a cluster has come together again, as its nodes say.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace henge::chaos {

// What stands in the way, or nothing: every node serves, is connected with every other one and holds it alive; no hint
// is pending; no replica is recovering; every tree was compared with every peer's since `since`, to the end, and no
// leaf differed. The last of these is what `henge wait-converged` asks.
std::string Missing(const std::vector<std::string>& client_addresses, std::chrono::steady_clock::time_point since);

// Asks until nothing is missing; DEADLINE_EXCEEDED with what still is at `limit`.
absl::Status AwaitConverged(const std::vector<std::string>& client_addresses,
                            std::chrono::steady_clock::time_point since, std::chrono::steady_clock::time_point limit);

}  // namespace henge::chaos
