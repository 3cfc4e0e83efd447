// The gRPC channel to one node, with the settings that every stream and call of the SDK runs under.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "client/src/steady_time.h"

namespace henge::sdk {

// Doesn't connect yet. Two channels never share a connection, so that two clients of a process don't share a fate.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, SteadyDuration connect_timeout);

}  // namespace henge::sdk
