// Peers that are not what they say: one that dials a real henged in the name of a member that doesn't run, and one that
// is dialled in its place.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "core/model/gossip_envelope.h"
#include "core/model/ring.h"
#include "core/model/swim_message.h"
#include "core/runtime/messages.h"
#include "henge/v1/peer.grpc.pb.h"
#include "node/grpc/channel_settings.h"
#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {

// A dead member is held dead within seconds; the log is for people.
inline std::vector<std::string> RogueFlags() {
  return {"--gossip-probe-interval=300ms", "--gossip-probe-timeout=120ms", "--gossip-suspicion-min=1500ms",
          "--gossip-suspicion-max=3s", "--log-format=text"};
}

// As answers of peers carry it.
constexpr uint32_t WireCode(absl::StatusCode code) { return static_cast<uint32_t>(code); }

// The newest ring of node `i`.
inline RingPtr RingOf(HengedCluster& cluster, int i) {
  v1::ClusterStateReply state;
  grpc::ClientContext asking;
  EXPECT_TRUE(cluster.client(i).admin().GetClusterState(&asking, {}, &state).ok());
  return std::make_shared<const Ring>(*ClusterState::Decode(state.state()));
}

inline v1::PeerHello HelloOf(const Ring& ring, uint32_t member) {
  v1::PeerHello hello;
  hello.set_cluster(ring.cluster().value());
  hello.set_member(member);
  hello.set_store(4711);
  hello.set_process(4711);
  hello.set_protocol(kPeerProtocol);
  return hello;
}

inline std::string SealedFor(const Ring& ring, std::string message) {
  return GossipEnvelope{ring.cluster(), ring.version(), ring.digest(), std::move(message)}.Encode();
}

// Calls node `to` as `member`.
class RogueCaller {
 public:
  static constexpr uint32_t kStreamEnded = 255;

  RogueCaller(HengedCluster& cluster, int to, uint32_t member)
      : ring(RingOf(cluster, to)), hello(HelloOf(*ring, member)) {
    stub_ = v1::Peer::NewStub(grpc::CreateChannel(cluster.peer_address(to), grpc::InsecureChannelCredentials()));
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub_->Stream(&context_);
  }
  ~RogueCaller() {
    context_.TryCancel();
    if (!ended_) stream_->Finish();
  }
  RogueCaller(const RogueCaller&) = delete;
  RogueCaller& operator=(const RogueCaller&) = delete;

  // The answer to one call; its code is kStreamEnded if there is none.
  v1::PeerAnswer Ask(v1::PeerCall call) {
    v1::PeerFrame frame;
    if (!std::exchange(greeted_, true)) *frame.mutable_hello() = hello;
    call.set_id(1);
    call.set_budget_us(5'000'000);
    *frame.add_calls() = std::move(call);
    v1::PeerAnswer answer;
    answer.set_code(kStreamEnded);
    if (!stream_->Write(frame)) return answer;
    for (v1::PeerFrame reply; stream_->Read(&reply);) {
      if (reply.answers_size() > 0) return reply.answers(0);
    }
    return answer;
  }
  v1::PeerAnswer Gossip(const std::string& body) {
    v1::PeerCall call;
    call.mutable_control()->set_kind(static_cast<uint32_t>(ControlKind::kGossip));
    call.mutable_control()->set_body(body);
    return Ask(std::move(call));
  }
  grpc::Status End() {
    ended_ = true;
    stream_->WritesDone();
    return stream_->Finish();
  }

  const RingPtr ring;
  v1::PeerHello hello;  // sent with the first call

 private:
  std::unique_ptr<v1::Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PeerFrame, v1::PeerFrame>> stream_;
  bool greeted_ = false;
  bool ended_ = false;
};

// Answers at a member's address: alive by gossip, wrong about its trees, and of no use for anything else.
class RogueListener final : public v1::Peer::Service {
 public:
  enum class Trees : uint8_t { kOthers, kGarbled };

  RogueListener(const std::string& address, RingPtr ring, uint32_t member)
      : ring_(std::move(ring)), hello_(HelloOf(*ring_, member)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr) << address;
  }
  ~RogueListener() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  grpc::Status Stream(grpc::ServerContext*, grpc::ServerReaderWriter<v1::PeerFrame, v1::PeerFrame>* stream) override {
    v1::PeerFrame greeting;
    *greeting.mutable_hello() = hello_;
    if (!stream->Write(greeting)) return grpc::Status::OK;
    for (v1::PeerFrame in; stream->Read(&in);) {
      v1::PeerFrame out;
      for (const v1::PeerCall& call : in.calls()) Answer(call, out.add_answers());
      if (out.answers_size() > 0 && !stream->Write(out)) break;
    }
    return grpc::Status::OK;
  }

  std::atomic<Trees> trees = Trees::kOthers;

 private:
  void Answer(const v1::PeerCall& call, v1::PeerAnswer* answer) {
    answer->set_id(call.id());
    if (call.has_control() && call.control().kind() == static_cast<uint32_t>(ControlKind::kGossip)) {
      const SwimUpdate alive{.member = MemberId(hello_.member()), .incarnation = 5};
      answer->mutable_control()->set_body(SealedFor(*ring_, SwimAnswer{.reached = true, .updates = {alive}}.Encode()));
    } else if (call.has_tree() && trees == Trees::kGarbled) {
      answer->mutable_tree()->add_hashes(1);
    } else if (call.has_tree()) {
      answer->set_code(WireCode(absl::StatusCode::kFailedPrecondition));
      answer->set_message("the trees of this rogue are of other parameters");
    } else {
      answer->set_code(WireCode(absl::StatusCode::kUnavailable));
      answer->set_message("this rogue serves nothing");
    }
  }

  const RingPtr ring_;
  const v1::PeerHello hello_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace henge::chaos
