#include "tests/chaos/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

#include "core/runtime/check.h"

namespace henge::chaos {
namespace {

constexpr auto kTimeout = std::chrono::seconds(10);

void SetDeadline(grpc::ClientContext* context) { context->set_deadline(std::chrono::system_clock::now() + kTimeout); }

}  // namespace

RawClient::RawClient(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  kv_ = v1::Kv::NewStub(channel_);
  admin_ = v1::Admin::NewStub(channel_);
}

RawClient::Result RawClient::Unary(v1::Op op, v1::Request request) {
  Result result;
  grpc::ClientContext context;
  SetDeadline(&context);
  request.set_budget_us(5'000'000);
  switch (op) {
    case v1::OP_PUT:
      result.status = kv_->Put(&context, request, &result.reply);
      break;
    case v1::OP_DELETE:
      result.status = kv_->Delete(&context, request, &result.reply);
      break;
    default:
      result.status = kv_->Get(&context, request, &result.reply);
  }
  return result;
}

RawClient::Result RawClient::Put(const std::string& key, const std::string& value, const std::string& context,
                                 uint32_t quorum) {
  v1::Request request;
  request.set_key(key);
  request.set_value(value);
  request.set_context(context);
  if (quorum > 0) request.set_quorum(quorum);
  return Unary(v1::OP_PUT, request);
}

RawClient::Result RawClient::Get(const std::string& key, uint32_t quorum) {
  v1::Request request;
  request.set_key(key);
  if (quorum > 0) request.set_quorum(quorum);
  return Unary(v1::OP_GET, request);
}

RawClient::Result RawClient::Delete(const std::string& key, const std::string& context) {
  v1::Request request;
  request.set_key(key);
  request.set_context(context);
  return Unary(v1::OP_DELETE, request);
}

v1::NodeStatusReply RawClient::Status() {
  grpc::ClientContext context;
  SetDeadline(&context);
  // The node may have been away: the channel may still be in the pause before it dials again.
  context.set_wait_for_ready(true);
  v1::NodeStatusReply reply;
  if (!admin_->GetNodeStatus(&context, {}, &reply).ok()) reply.Clear();
  return reply;
}

std::string RawClient::Health(const std::string& service) {
  // grpc.health.v1.HealthCheckRequest{service = 1}, HealthCheckResponse{status = 1}: two fields, read by hand.
  std::string request;
  if (!service.empty()) request = std::string("\x0a") + static_cast<char>(service.size()) + service;
  grpc::Slice slice(request);
  grpc::ByteBuffer in(&slice, 1);
  grpc::ByteBuffer out;
  grpc::ClientContext context;
  SetDeadline(&context);
  grpc::CompletionQueue queue;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel_);
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", in, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&out, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  HENGE_CHECK(queue.Next(&tag, &ok));
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return "SERVICE_UNKNOWN";
  if (!status.ok()) return status.error_message();
  grpc::Slice reply;
  HENGE_CHECK(out.DumpToSingleSlice(&reply).ok());
  const std::string bytes(reinterpret_cast<const char*>(reply.begin()), reply.size());
  return bytes == "\x08\x01" ? "SERVING" : "NOT_SERVING";
}

void SendBytes(const std::string& address, const std::string& bytes) {
  const size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  HENGE_CHECK(inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) == 1);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  HENGE_CHECK(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
  const timeval patience{0, 200'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  char sink[4096];
  while (recv(fd, sink, sizeof(sink), 0) > 0) {
  }
  close(fd);
}

}  // namespace henge::chaos
