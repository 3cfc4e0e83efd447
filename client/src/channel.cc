#include "client/src/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>

#include "core/model/limits.h"

namespace henge::sdk {
namespace {

constexpr int kReconnectBackoffInitialMs = 50;
constexpr int kReconnectBackoffMaxMs = 1000;
constexpr int kResolveIntervalMs = 1000;

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, SteadyDuration connect_timeout) {
  auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout).count();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectBackoffInitialMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectBackoffMaxMs);
  // It is also the time that one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(std::max<int64_t>(timeout_ms, 1)));
  // A name is looked up again soon after its node moved.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveIntervalMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Nodes are reached directly; a proxy of the environment is meant for the web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Retries choose another node, which gRPC's own can't.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kPeerFrameBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kPeerFrameBytesMax));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace henge::sdk
