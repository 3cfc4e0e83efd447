#include "node/grpc/peer_hub.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/runtime/check.h"
#include "node/grpc/channel_settings.h"
#include "node/grpc/frame_codec.h"
#include "node/wire/peer_codec.h"

namespace henge {
namespace {

// Longer than the pause between two calls of a peer that refuses.
constexpr Duration kRefusalHolds = std::chrono::seconds(5);

}  // namespace

std::string HelloFragment(const PeerIdentity& identity) {
  v1::PeerHello hello;
  hello.set_cluster(identity.cluster.value());
  hello.set_member(identity.self.value());
  hello.set_store(identity.store.value());
  hello.set_process(identity.process);
  hello.set_state_version(identity.state_version.value());
  hello.set_state_digest(identity.state_digest);
  hello.set_protocol(kPeerProtocol);
  std::string fragment;
  AppendField(v1::PeerFrame::kHelloFieldNumber, hello, &fragment);
  return fragment;
}

PeerHub::PeerHub(PeerHubOptions options, std::vector<Executor*> loops, const Clock& clock, Tracer& tracer)
    : clock_(clock), tracer_(tracer) {
  HENGE_CHECK(!loops.empty());
  const std::string hello = HelloFragment(options.identity);
  for (PeerAddress& peer : options.peers) {
    const int index = static_cast<int>(links_.size());
    PeerLinkOptions link;
    link.member = peer.member;
    link.name = std::move(peer.name);
    link.address = std::move(peer.address);
    link.hello = hello;
    link.cluster = options.identity.cluster;
    link.waiting_bytes_max = options.waiting_bytes_max;
    link.seed = options.identity.process + static_cast<uint64_t>(index);
    links_.push_back(std::make_unique<PeerLink>(index, std::move(link), static_cast<PeerLinkEvents&>(*this), *loops[0],
                                                clock, tracer));
  }
  for (size_t i = 0; i < loops.size(); ++i) {
    transports_.push_back(
        std::make_unique<ShardTransport>(static_cast<int>(i), *loops[i], clock, links_, options.calls_max));
  }
}

PeerHub::~PeerHub() { Stop(); }

void PeerHub::Connect() {
  for (auto& link : links_) link->Connect();
}

void PeerHub::Drop() {
  for (auto& link : links_) link->Drop();
}

void PeerHub::Stop() {
  for (auto& link : links_) link->Stop();
}

std::vector<PeerHub::PeerState> PeerHub::Peers() const {
  std::vector<PeerState> peers;
  peers.reserve(links_.size());
  for (const auto& link : links_) {
    peers.push_back(
        {link->options().member, link->options().name, link->connected(), link->last_error(), link->peer_store()});
  }
  return peers;
}

void PeerHub::OnAnswers(int, v1::PeerFrame* frame) {
  std::vector<std::vector<ShardTransport::Answer>> by_shard(transports_.size());
  for (v1::PeerAnswer& answer : *frame->mutable_answers()) {
    const auto shard = static_cast<size_t>(PendingCalls::ShardOfId(answer.id()));
    if (shard >= by_shard.size()) continue;  // an id that this process never gave
    if (by_shard[shard].empty()) by_shard[shard].reserve(frame->answers_size());
    by_shard[shard].push_back({answer.id(), PeerReplyFromProto(&answer)});
  }
  for (size_t shard = 0; shard < by_shard.size(); ++shard) {
    if (!by_shard[shard].empty()) transports_[shard]->PostAnswers(std::move(by_shard[shard]));
  }
}

void PeerHub::OnRefusedAsSecond(int peer) {
  const MonotonicTime now = clock_.Now();
  const bool news = refused_until_.exchange(now + kRefusalHolds) < now;
  refused_by_ = peer;
  if (!news) return;
  tracer_.Event(Severity::kAlarm, "SecondProcess",
                {{"peer", links_[static_cast<size_t>(peer)]->options().name},
                 {"advice", std::string("another process of this member lives: this one serves no clients. Stop one of "
                                        "the two; if the data directory was copied, delete the copy")}});
}

void PeerHub::OnGivenUp(int peer, const std::string& why) {
  if (given_up_) given_up_(links_[static_cast<size_t>(peer)]->options().member, why);
}

std::string PeerHub::RefusedAsSecondBy() const {
  if (refused_until_.load() < clock_.Now()) return "";
  const int peer = refused_by_;
  return peer < 0 ? "" : links_[static_cast<size_t>(peer)]->options().name;
}

absl::Status PeerHub::CheckOnlyProcess() const {
  const MonotonicTime until = refused_until_.load(std::memory_order_relaxed);
  if (until == MonotonicTime{} || until < clock_.Now()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("this node serves no clients: ", RefusedAsSecondBy(),
                   " knows another live process of this member; stop one of the two, or use another node"));
}

void PeerHub::OnBroken(int peer, uint64_t stream, const absl::Status& why) {
  for (auto& transport : transports_) transport->PostBroken(peer, stream, why);
}

}  // namespace henge
