// henge.v1.Admin: the cluster state, this node's figures, and explain.
//
// Thread-safe; owned by the process's set-up code, outlives the grpc::Server that serves it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <grpcpp/server_builder.h>

#include "core/runtime/clock.h"
#include "node/grpc/peer_hub.h"
#include "node/node.h"

namespace henge {

class AdminServer {
 public:
  AdminServer(Node& node, PeerHub& peers, const Clock& clock);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  void Register(grpc::ServerBuilder* builder);

  void SetDraining() { draining_.store(true, std::memory_order_relaxed); }

 private:
  class Service;

  Node& node_;
  PeerHub& peers_;
  const Clock& clock_;
  const MonotonicTime started_;
  const std::string encoded_state_;
  std::atomic<bool> draining_ = false;
  std::unique_ptr<Service> service_;
};

}  // namespace henge
