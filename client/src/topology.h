// Keeps the client's view of the ring up to date: fetches the cluster state when a reply names a newer one.
//
// Thread-safe. Owned by the Engine. One fetch runs at a time.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/src/io_loop.h"
#include "client/src/node_pool.h"
#include "client/src/ring_view.h"

namespace henge::sdk {

class Topology {
 public:
  // `endpoints_only`: connects to no other node, whatever the ring says.
  Topology(IoLoop& loop, std::vector<std::string> endpoints, bool endpoints_only, NodePool::Factory factory);

  // Connects to the endpoints and learns the ring from the first that answers; then waits a moment, so that the other
  // members may be connected too. Blocks; not on the loop.
  absl::Status Bootstrap(SteadyDuration timeout);
  void Close();

  RingViewPtr view() const;
  // A node knows this version.
  void OnStateVersion(uint64_t version);
  // The newest version that any node has named.
  uint64_t known_version() const {
    return std::max(version_.load(std::memory_order_relaxed), version_wanted_.load(std::memory_order_relaxed));
  }
  void OnReadiness();

  // A connected node, another at each call; if none is, one that may become so.
  std::shared_ptr<Connection> AnyNode();
  // Why no node is connected, for people.
  std::string WhyNone() const;

 private:
  void Fetch(const std::shared_ptr<Connection>& from, SteadyDuration timeout,
             absl::AnyInvocable<void(absl::Status)> done);
  // Fetch, asking up to `asks_again` times more while no connection comes about.
  void FetchFirst(std::shared_ptr<Connection> from, SteadyTime deadline, int asks_again,
                  std::function<void(absl::Status)> done);
  void FetchNewer();
  absl::Status Install(const std::string& state);
  bool Closed() const;

  IoLoop& loop_;
  const bool endpoints_only_;
  NodePool pool_;
  std::atomic<uint64_t> next_node_{0};
  std::atomic<uint64_t> version_{0};         // of view_
  std::atomic<uint64_t> version_wanted_{0};  // the newest that a node named
  std::atomic<bool> fetching_{false};

  std::mutex install_mutex_;  // one installs at a time
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // view_, or some connection's readiness
  RingViewPtr view_;
  bool closed_ = false;
};

}  // namespace henge::sdk
