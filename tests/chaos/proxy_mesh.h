// A network of proxies, one for each ordered pair of nodes, so that any two can be parted, in one direction or both.
//
// Owned by the test. What node `a` sends to node `b` goes two ways: as calls on the connection that `a` dialled, and as
// answers on the one that `b` dialled.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/tcp_proxy.h"

namespace henge::chaos {

class ProxyMesh {
 public:
  // Node `i` serves its peers at `addresses[i]`.
  explicit ProxyMesh(const std::vector<std::string>& addresses);

  // Where `from` dials `to`.
  const std::string& address(int from, int to) const { return addresses_.at({from, to}); }
  TcpProxy& link(int from, int to) { return *links_.at({from, to}); }

  // For what `from` sends to `to`.
  void SetRule(int from, int to, const LinkRule& rule);
  // Nothing passes between the two sides; each goes on within itself.
  void Part(const std::vector<int>& one, const std::vector<int>& other);
  void Heal();

 private:
  std::map<std::pair<int, int>, std::string> addresses_;
  std::map<std::pair<int, int>, std::unique_ptr<TcpProxy>> links_;
};

}  // namespace henge::chaos
