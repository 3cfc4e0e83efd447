#include "tests/chaos/proxy_mesh.h"

#include "tests/free_address.h"

namespace henge::chaos {

ProxyMesh::ProxyMesh(const std::vector<std::string>& addresses) {
  const int nodes = static_cast<int>(addresses.size());
  for (int from = 0; from < nodes; ++from) {
    for (int to = 0; to < nodes; ++to) {
      if (from == to) continue;
      const std::string& listen = addresses_[{from, to}] = FreeAddress();
      links_[{from, to}] = std::make_unique<TcpProxy>(listen, addresses[static_cast<size_t>(to)]);
    }
  }
}

void ProxyMesh::SetRule(int from, int to, const LinkRule& rule) {
  link(from, to).SetRule(LinkWay::kForward, rule);
  link(to, from).SetRule(LinkWay::kBackward, rule);
}

void ProxyMesh::Part(const std::vector<int>& one, const std::vector<int>& other) {
  for (int a : one) {
    for (int b : other) {
      SetRule(a, b, {.cut = true});
      SetRule(b, a, {.cut = true});
    }
  }
}

void ProxyMesh::Heal() {
  for (auto& [pair, link] : links_) link->Heal();
}

}  // namespace henge::chaos
