// Clients that are not the SDK: single calls over the generated stubs, and bare bytes over TCP.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "henge/v1/admin.grpc.pb.h"
#include "henge/v1/client.grpc.pb.h"

namespace henge::chaos {

class RawClient {
 public:
  explicit RawClient(const std::string& address);

  struct Result {
    grpc::Status status;
    v1::Reply reply;
    bool ok() const { return status.ok(); }
  };
  Result Put(const std::string& key, const std::string& value, const std::string& context = "", uint32_t quorum = 0);
  Result Get(const std::string& key, uint32_t quorum = 0);
  Result Delete(const std::string& key, const std::string& context = "");
  // Empty if the node could not be asked: it may just have died.
  v1::NodeStatusReply Status();
  // SERVING, NOT_SERVING, SERVICE_UNKNOWN, or the error of the call.
  std::string Health(const std::string& service);

  std::shared_ptr<grpc::Channel> channel() { return channel_; }
  v1::Kv::Stub& kv() { return *kv_; }
  v1::Admin::Stub& admin() { return *admin_; }

 private:
  Result Unary(v1::Op op, v1::Request request);

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Kv::Stub> kv_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

// Connects, writes `bytes`, reads until the other side closes or a moment has passed, and hangs up.
void SendBytes(const std::string& address, const std::string& bytes);

}  // namespace henge::chaos
