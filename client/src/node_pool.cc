#include "client/src/node_pool.h"

#include <set>
#include <utility>

namespace henge::sdk {

void NodePool::Reconcile(const std::vector<std::string>& members) {
  std::set<std::string> wanted(endpoints_.begin(), endpoints_.end());
  wanted.insert(members.begin(), members.end());
  std::vector<std::shared_ptr<Connection>> unwanted;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (wanted.count(it->first) != 0) {
        ++it;
        continue;
      }
      unwanted.push_back(std::move(it->second));
      it = connections_.erase(it);
    }
    for (const std::string& address : wanted) {
      auto& connection = connections_[address];
      if (connection != nullptr) continue;
      connection = factory_(address);
      connection->Start();
    }
  }
  for (const auto& connection : unwanted) connection->Close();
}

void NodePool::Close() {
  std::map<std::string, std::shared_ptr<Connection>> connections;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    connections.swap(connections_);
  }
  for (const auto& [address, connection] : connections) connection->Close();
}

std::vector<std::shared_ptr<Connection>> NodePool::All() const {
  std::vector<std::shared_ptr<Connection>> all;
  std::lock_guard lock(mutex_);
  all.reserve(connections_.size());
  for (const auto& [address, connection] : connections_) all.push_back(connection);
  return all;
}

std::shared_ptr<Connection> NodePool::Find(const std::string& address) const {
  std::lock_guard lock(mutex_);
  auto it = connections_.find(address);
  return it == connections_.end() ? nullptr : it->second;
}

}  // namespace henge::sdk
