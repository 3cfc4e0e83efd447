// A cluster of real henged processes on loopback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/henged_process.h"
#include "tests/chaos/proxy_mesh.h"
#include "tests/chaos/raw_client.h"
#include "tests/chaos/tcp_proxy.h"

namespace henge::chaos {

class HengedCluster {
 public:
  // `more` flags go to each member. The others reach those in `proxied` through a proxy.
  explicit HengedCluster(int members, std::vector<std::string> more = {}, const std::vector<int>& proxied = {});

  // The flags of member `i`, which serves `data_dir`.
  std::vector<std::string> Flags(int i, const std::string& data_dir) const;
  std::vector<std::string> Flags(int i) const { return Flags(i, DataDir(i)); }
  std::string DataDir(int i) const { return scratch_ / (NameOf(i) + ".data"); }
  static std::string NameOf(int i) { return "n" + std::to_string(i + 1); }

  // Before the first start: each member reaches each other one through a proxy of their own.
  void UseMesh();
  // Starts member `i`; false if it does not come up.
  [[nodiscard]] bool Start(int i);
  // Starts all and waits until all have met all, and compared their stores, so that reads count everywhere.
  [[nodiscard]] bool StartAll();
  // Waits until member `i` is connected with `peers` others.
  [[nodiscard]] bool AwaitPeers(int i, int peers);
  // Waits until member `i` is recovering nothing (P15).
  [[nodiscard]] bool AwaitWhole(int i);
  // Waits until member `i` goes by `version` of the cluster state, or a later one.
  [[nodiscard]] bool AwaitState(int i, uint64_t version);

  // Asks again and again, for a while.
  [[nodiscard]] static bool AwaitTrue(const std::function<bool()>& holds);

  int size() const { return static_cast<int>(members_.size()); }
  HengedProcess& process(int i) { return *members_[static_cast<size_t>(i)]; }
  RawClient& client(int i) { return *clients_[static_cast<size_t>(i)]; }
  TcpProxy& proxy(int i) { return *proxies_.at(i); }
  ProxyMesh& mesh() { return *mesh_; }
  const TempDir& scratch() const { return scratch_; }
  const std::string& client_address(int i) const { return client_addresses_[static_cast<size_t>(i)]; }
  const std::string& peer_address(int i) const { return peer_addresses_[static_cast<size_t>(i)]; }

 private:
  TempDir scratch_;
  std::vector<std::string> client_addresses_;
  std::vector<std::string> peer_addresses_;
  std::string list_;
  std::vector<std::string> more_;
  std::map<int, std::unique_ptr<TcpProxy>> proxies_;
  std::unique_ptr<ProxyMesh> mesh_;
  std::vector<std::unique_ptr<HengedProcess>> members_;
  std::vector<std::unique_ptr<RawClient>> clients_;
};

}  // namespace henge::chaos
