// One running node with everything real around it: store, loops, connections, listeners.
//
// Owned by the main thread; all methods block and belong to it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/runtime/clock.h"
#include "core/runtime/tracer.h"
#include "node/config/node_config.h"
#include "node/grpc/stop_event.h"

namespace henge {

class NodeProcess {
 public:
  // Opens the store, joins the loops up and serves. `stop` is set if the node fails later; it outlives the process.
  // Errors say what to do; nothing of this process is left then.
  static absl::StatusOr<std::unique_ptr<NodeProcess>> Start(const NodeConfig& config, Clock& clock, Tracer& tracer,
                                                            StopEvent& stop);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  const std::string& client_address() const;
  const std::string& peer_address() const;
  // For people: who this is and how to use it.
  std::string Banner() const;

  // Refuses new work, lets what is under way finish for at most `patience`, then closes everything. Once. False if the
  // patience ended first: the store is closed, but callbacks may be stuck, so that the process must end without
  // destroying this.
  bool Shutdown(Duration patience);

 private:
  class Impl;
  explicit NodeProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace henge
