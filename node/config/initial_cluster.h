// The texts that list members: all of the first ones, NAME=HOST:CLIENT_PORT/HOST:PEER_PORT[@ZONE], and where one node
// dials some of them instead, NAME=HOST:PEER_PORT; each separated by commas.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"

namespace henge {

// INVALID_ARGUMENT, naming the entry and what is wrong with it.
absl::StatusOr<std::vector<InitialMember>> ParseInitialCluster(const std::string& text);

// Addresses by member's name; empty for an empty text. INVALID_ARGUMENT, naming the entry and what is wrong with it.
absl::StatusOr<std::map<std::string, std::string>> ParsePeerDial(const std::string& text);

// Whether `address` is HOST:PORT with a port of at least `port_min`; IPv6 hosts stand in brackets.
absl::Status CheckAddress(const std::string& address, int port_min);

}  // namespace henge
