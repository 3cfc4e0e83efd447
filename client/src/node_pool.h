// The connections of a client, one for each address: members of the cluster, and the endpoints that it was given.
//
// Thread-safe. Owned by the Topology.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/src/connection.h"

namespace henge::sdk {

class NodePool {
 public:
  // Makes and starts connections.
  using Factory = std::function<std::shared_ptr<Connection>(const std::string& address)>;

  NodePool(std::vector<std::string> endpoints, Factory factory)
      : endpoints_(std::move(endpoints)), factory_(std::move(factory)) {}

  // Connections to `members` and to the endpoints, which stay for ever; those to other addresses are closed.
  void Reconcile(const std::vector<std::string>& members);
  void Close();

  std::vector<std::shared_ptr<Connection>> All() const;
  std::shared_ptr<Connection> Find(const std::string& address) const;

 private:
  const std::vector<std::string> endpoints_;
  const Factory factory_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::map<std::string, std::shared_ptr<Connection>> connections_;
};

}  // namespace henge::sdk
