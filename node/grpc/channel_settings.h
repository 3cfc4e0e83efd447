// How every connection of a node is set up: limits, keepalive, windows.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

namespace henge {

inline constexpr uint32_t kPeerProtocol = 1;

// A channel of its own to a peer: dials for ever, with growing pauses up to a second or so; resolves the name again.
std::shared_ptr<grpc::Channel> MakePeerChannel(const std::string& address);

// What the listeners of both ports share.
void ConfigureServer(grpc::ServerBuilder* builder, size_t frame_bytes_max, int streams_max);

}  // namespace henge
