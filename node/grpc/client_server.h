// The clients' side of a node: serves henge.v1.Kv.
//
// Thread-safe; owned by the process's set-up code, outlives the grpc::Server that serves it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include <grpcpp/server_builder.h>

#include "node/grpc/client_edge.h"
#include "node/node.h"

namespace henge {

// What one stream may have under way; more is answered RESOURCE_EXHAUSTED.
struct SessionLimits {
  int64_t calls_max = 16384;
  int64_t bytes_max = int64_t{64} << 20;
  ReplyStreamLimits stream;
};

class ClientServer {
 public:
  // Asked before each request; an error answers it. Any thread.
  using Bar = std::function<absl::Status()>;
  ClientServer(Node& node, SessionLimits limits, Bar bar);
  ~ClientServer();
  ClientServer(const ClientServer&) = delete;
  ClientServer& operator=(const ClientServer&) = delete;

  void Register(grpc::ServerBuilder* builder);

  // Ends the sessions once their replies are written; later ones are refused.
  void Close();

 private:
  class Service;
  class Session;

  void Dispatch(const std::shared_ptr<Session>& session, std::vector<std::vector<ClientEdge::Call>> by_shard);
  bool Add(const std::shared_ptr<Session>& session);
  void Remove(Session* session);

  Node& node_;
  const SessionLimits limits_;
  const Bar bar_;
  std::vector<std::unique_ptr<ClientEdge>> edges_;
  std::unique_ptr<Service> service_;

  std::mutex mutex_;
  // Protected by mutex_:
  std::set<std::shared_ptr<Session>> sessions_;
  bool closed_ = false;
};

}  // namespace henge
