// henge.v1.Admin: the cluster state and its changes, this node's figures, and explain.
//
// Thread-safe; owned by the process's set-up code, outlives the grpc::Server that serves it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <grpcpp/server_builder.h>

#include "core/runtime/clock.h"
#include "node/grpc/peer_hub.h"
#include "node/grpc/peer_server.h"
#include "node/node.h"

namespace henge {

class AdminServer {
 public:
  AdminServer(Node& node, PeerHub& peers, const PeerServer& callers, const Clock& clock);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  void Register(grpc::ServerBuilder* builder);

  void SetDraining() { draining_.store(true, std::memory_order_relaxed); }

 private:
  class Service;

  std::string Encoded(const RingPtr& ring);

  Node& node_;
  PeerHub& peers_;
  const PeerServer& callers_;
  const Clock& clock_;
  const MonotonicTime started_;
  std::atomic<bool> draining_ = false;
  std::unique_ptr<Service> service_;

  std::mutex mutex_;
  // Protected by mutex_: the bytes of a state, made once for all who ask.
  RingPtr encoded_of_;
  std::string encoded_;
};

}  // namespace henge
