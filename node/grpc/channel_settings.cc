#include "node/grpc/channel_settings.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "core/model/limits.h"

namespace henge {
namespace {

// A peer that is cut off without a word is noticed after the time and the timeout.
constexpr int kKeepaliveTimeMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 5'000;
// Clients of other makes may ping as often as this.
constexpr int kPingIntervalMinMs = 5'000;
constexpr int kDialPauseMinMs = 50;
constexpr int kDialPauseMaxMs = 1'000;
constexpr int kDialTimeMinMs = 2'000;
// A member may come back under its name at another address; gRPC's own choice is to ask again after half a minute.
constexpr int kResolveAgainMs = 2'000;
// What may be on its way in one stream before the reader has taken it. Fixed, so that no probing is needed.
constexpr int kStreamWindowBytes = 4 << 20;
constexpr int kHandshakeTimeoutMs = 10'000;
constexpr int kMetadataBytesMax = 16 << 10;

template <class Arguments>
void ShareArguments(Arguments&& set) {
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  set(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  set(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  set(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
}

}  // namespace

std::shared_ptr<grpc::Channel> MakePeerChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  ShareArguments([&arguments](const char* name, int value) { arguments.SetInt(name, value); });
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kDialPauseMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kDialTimeMinMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kDialPauseMaxMs);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveAgainMs);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kPeerFrameBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kPeerFrameBytesMax));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void ConfigureServer(grpc::ServerBuilder* builder, size_t frame_bytes_max, int streams_max) {
  ShareArguments([builder](const char* name, int value) { builder->AddChannelArgument(name, value); });
  // Else a second process could listen on the same port, and take half of the connections.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMinMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams_max);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder->SetMaxReceiveMessageSize(static_cast<int>(frame_bytes_max));
  builder->SetMaxSendMessageSize(static_cast<int>(frame_bytes_max));
  // Reflection is the only service with threads of its own: one, which wakes seldom.
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC, 60'000);
}

}  // namespace henge
