#include "tests/chaos/henged_cluster.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "tests/free_address.h"

namespace henge::chaos {

HengedCluster::HengedCluster(int members, std::vector<std::string> more, const std::vector<int>& proxied)
    : more_(std::move(more)), members_(static_cast<size_t>(members)) {
  for (int i = 0; i < members; ++i) {
    client_addresses_.push_back(FreeAddress());
    peer_addresses_.push_back(FreeAddress());
    std::string reached_at = peer_addresses_.back();
    if (std::find(proxied.begin(), proxied.end(), i) != proxied.end()) {
      reached_at = FreeAddress();
      proxies_[i] = std::make_unique<TcpProxy>(reached_at, peer_addresses_.back());
    }
    list_ += (i > 0 ? "," : "") + NameOf(i) + "=" + client_addresses_.back() + "/" + reached_at;
    clients_.push_back(std::make_unique<RawClient>(client_addresses_.back()));
  }
}

std::vector<std::string> HengedCluster::Flags(int i, const std::string& data_dir) const {
  std::vector<std::string> flags = {"--name=" + NameOf(i), "--initial-cluster=" + list_, "--cluster-token=test",
                                    "--data-dir=" + data_dir, "--shards=2"};
  if (proxies_.contains(i)) flags.push_back("--peer-listen=" + peer_address(i));
  if (mesh_ != nullptr) {
    std::string dial;
    for (int to = 0; to < size(); ++to) {
      if (to != i) dial += (dial.empty() ? "" : ",") + NameOf(to) + "=" + mesh_->address(i, to);
    }
    flags.push_back("--peer-dial=" + dial);
  }
  flags.insert(flags.end(), more_.begin(), more_.end());
  return flags;
}

void HengedCluster::UseMesh() { mesh_ = std::make_unique<ProxyMesh>(peer_addresses_); }

bool HengedCluster::Start(int i) {
  auto& member = members_[static_cast<size_t>(i)];
  member.reset();
  member = std::make_unique<HengedProcess>(scratch_, Flags(i));
  return member->AwaitReady();
}

bool HengedCluster::StartAll() {
  for (int i = 0; i < size(); ++i)
    members_[static_cast<size_t>(i)] = std::make_unique<HengedProcess>(scratch_, Flags(i));
  for (int i = 0; i < size(); ++i) {
    if (!process(i).AwaitReady()) return false;
  }
  for (int i = 0; i < size(); ++i) {
    if (!AwaitPeers(i, size() - 1) || !AwaitWhole(i)) return false;
  }
  return true;
}

bool HengedCluster::AwaitPeers(int i, int peers) {
  return AwaitTrue([this, i, peers] {
    int connected = 0;
    const v1::NodeStatusReply status = client(i).Status();
    for (const v1::PeerStatus& peer : status.peers()) connected += peer.connected() ? 1 : 0;
    return connected == peers;
  });
}

bool HengedCluster::AwaitWhole(int i) {
  return AwaitTrue([this, i] {
    const v1::NodeStatusReply status = client(i).Status();
    return status.has_entropy() && status.entropy().recovering() == 0;
  });
}

bool HengedCluster::AwaitTrue(const std::function<bool()>& holds) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool HengedCluster::AwaitState(int i, uint64_t version) {
  for (int attempt = 0; attempt < 3000; ++attempt) {
    if (client(i).Status().state_version() >= version) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace henge::chaos
