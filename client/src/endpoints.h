// Reads "host:port,host:port".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace henge::sdk {

// At least one, each once, in the order given. INVALID_ARGUMENT, naming the bad one, if one is not host:port with a
// port of 1..65535; "[::1]:7400" is how an IPv6 address stands.
absl::StatusOr<std::vector<std::string>> ParseEndpoints(std::string_view endpoints);

}  // namespace henge::sdk
