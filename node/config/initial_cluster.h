// The text that lists the first members: NAME=HOST:CLIENT_PORT/HOST:PEER_PORT[@ZONE], separated by commas.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"

namespace henge {

// INVALID_ARGUMENT, naming the entry and what is wrong with it.
absl::StatusOr<std::vector<InitialMember>> ParseInitialCluster(const std::string& text);

// Whether `address` is HOST:PORT with a port of at least `port_min`; IPv6 hosts stand in brackets.
absl::Status CheckAddress(const std::string& address, int port_min);

}  // namespace henge
