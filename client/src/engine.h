// All that the copies of one Client share. Its IO threads keep it alive until they end.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "client/src/dispatcher.h"
#include "client/src/io_loop.h"
#include "client/src/random_ids.h"
#include "client/src/topology.h"
#include "henge/client.h"

namespace henge::sdk {

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(ClientOptions options, std::vector<std::string> endpoints);

  // Starts the IO threads and learns the ring. Stop() must follow, also after a failure.
  absl::Status Start();
  // Ends what is under way with CANCELLED. When it returns to a thread of the user, no function of the user runs any
  // more; an IO thread ends later, by itself.
  void Stop();

  const ClientOptions& options() const { return options_; }
  IoLoop& loop() { return *loops_.front(); }
  RandomIds& random() { return random_; }
  Topology& topology() { return topology_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  // Whether the caller is one of the IO threads, which must not wait for themselves.
  bool InIoThread() const;

 private:
  static std::vector<std::unique_ptr<IoLoop>> MakeLoops(int count);
  std::shared_ptr<Connection> MakeConnection(const std::string& address);

  const ClientOptions options_;
  RandomIds random_;
  const std::vector<std::unique_ptr<IoLoop>> loops_;
  std::atomic<size_t> next_loop_{0};
  Dispatcher dispatcher_;
  Topology topology_;
};

}  // namespace henge::sdk
