// Addresses to listen on: HOST:PORT, as the configuration gives them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace henge {

// `address` with a free port in place of port 0; any other as it is. Another process may take the port before it is
// used.
absl::StatusOr<std::string> WithFreePort(const std::string& address);

// Why nothing could listen on `address`, found out by trying: UNAVAILABLE (in use), PERMISSION_DENIED, INVALID_ARGUMENT
// (no such host or interface), each saying what to do.
absl::Status ExplainListenFailure(const std::string& address);

}  // namespace henge
