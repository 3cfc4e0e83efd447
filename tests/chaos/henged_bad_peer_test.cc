// Peers that are not what they say, on real processes: refused with a clear word, said in the log, counted in the
// status, and nothing is lost (H5, H38, P17, P18).
#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include "core/model/gossip_envelope.h"
#include "core/model/ring.h"
#include "core/model/slot.h"
#include "core/model/swim_message.h"
#include "core/model/swim_table.h"
#include "core/runtime/messages.h"
#include "henge/v1/peer.grpc.pb.h"
#include "node/grpc/channel_settings.h"
#include "tests/chaos/henged_cluster.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kQuick = {"--gossip-probe-interval=300ms", "--gossip-probe-timeout=120ms",
                                         "--gossip-suspicion-min=1500ms", "--gossip-suspicion-max=3s"};

// Speaks the peers' protocol in the name of a member that doesn't run.
class FakePeer {
 public:
  FakePeer(HengedCluster& cluster, int to, uint32_t member) {
    v1::ClusterStateReply state;
    grpc::ClientContext asking;
    EXPECT_TRUE(cluster.client(to).admin().GetClusterState(&asking, {}, &state).ok());
    ring = std::make_shared<const Ring>(*ClusterState::Decode(state.state()));
    stub_ = v1::Peer::NewStub(grpc::CreateChannel(cluster.peer_address(to), grpc::InsecureChannelCredentials()));
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub_->Stream(&context_);
    hello_.set_cluster(ring->cluster().value());
    hello_.set_member(member);
    hello_.set_store(4711);
    hello_.set_process(4711);
    hello_.set_protocol(kPeerProtocol);
  }
  ~FakePeer() {
    context_.TryCancel();
    if (!ended_) stream_->Finish();
  }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  v1::PeerHello& hello() { return hello_; }

  // The answer to one call; its code is 255 if the stream ended.
  v1::PeerAnswer Ask(v1::PeerCall call) {
    v1::PeerFrame frame;
    if (!greeted_) *frame.mutable_hello() = hello_;
    greeted_ = true;
    call.set_id(1);
    call.set_budget_us(5'000'000);
    *frame.add_calls() = std::move(call);
    v1::PeerAnswer answer;
    answer.set_code(255);
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
  std::string Sealed(std::string message) const {
    return GossipEnvelope{ring->cluster(), ring->version(), ring->digest(), std::move(message)}.Encode();
  }
  grpc::Status End() {
    ended_ = true;
    stream_->WritesDone();
    return stream_->Finish();
  }

  RingPtr ring;

 private:
  std::unique_ptr<v1::Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PeerFrame, v1::PeerFrame>> stream_;
  v1::PeerHello hello_;
  bool greeted_ = false;
  bool ended_ = false;
};

std::string Ping(std::vector<SwimUpdate> updates) {
  return SwimCall{.kind = SwimKind::kPing, .target = {}, .updates = std::move(updates)}.Encode();
}

constexpr auto kFailedPrecondition = static_cast<uint32_t>(absl::StatusCode::kFailedPrecondition);

class BadPeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.Start(0));
    ASSERT_TRUE(cluster_.Start(1));
    ASSERT_TRUE(cluster_.AwaitPeers(0, 1));
    for (int i : {0, 1}) ASSERT_TRUE(cluster_.AwaitWhole(i));
    ASSERT_TRUE(cluster_.client(0).Put("before", "v").ok());
  }
  std::string LivenessOf(uint32_t member) {
    const v1::NodeStatusReply status = cluster_.client(0).Status();
    for (const v1::PeerStatus& peer : status.peers()) {
      if (peer.member() == member) return peer.liveness();
    }
    return "";
  }
  void ExpectUnharmed() {
    EXPECT_TRUE(cluster_.client(0).Put("after", "v").ok());
    EXPECT_EQ(cluster_.client(1).Get("before").reply.values_size(), 1);
  }

  HengedCluster cluster_{3, kQuick};
};

// H38, and news that no member can have sent.
TEST_F(BadPeerTest, GossipOfAnotherClusterOrVersionIsRefusedAndCounted) {
  FakePeer third(cluster_, 0, 3);
  const SwimUpdate death{.member = MemberId(2), .liveness = Liveness::kDead, .incarnation = 1};
  const GossipEnvelope stranger{ClusterId(7), StateVersion(1), 1, Ping({death})};
  const v1::PeerAnswer foreign = third.Gossip(stranger.Encode());
  EXPECT_EQ(foreign.code(), kFailedPrecondition);
  EXPECT_THAT(foreign.message(), HasSubstr("check the addresses"));
  std::string later = third.Sealed(Ping({death}));
  later[0] = kGossipEnvelopeVersion + 1;
  const v1::PeerAnswer future = third.Gossip(later);
  EXPECT_EQ(future.code(), kFailedPrecondition);
  EXPECT_THAT(future.message(), HasSubstr("upgrade"));
  EXPECT_EQ(third.Gossip("garbage").code(), kFailedPrecondition);
  EXPECT_EQ(cluster_.client(0).Status().gossip_bad_messages(), 3u);
  EXPECT_TRUE(cluster_.process(0).AwaitStderr("GossipRefused"));
  EXPECT_EQ(LivenessOf(2), "alive") << "nothing of it was believed";
  ExpectUnharmed();
}

TEST_F(BadPeerTest, ForgedIncarnationsAreCountedAndKeepNobodyDead) {
  FakePeer third(cluster_, 0, 3);
  for (uint64_t incarnation : {UINT64_MAX, kIncarnationMax - 1, uint64_t{1} << 40}) {
    for (uint32_t member : {1u, 2u}) {
      const SwimUpdate death{.member = MemberId(member), .liveness = Liveness::kDead, .incarnation = incarnation};
      EXPECT_EQ(third.Gossip(third.Sealed(Ping({death}))).code(), 0u);
    }
  }
  EXPECT_EQ(cluster_.client(0).Status().gossip_forged(), 6u);
  EXPECT_TRUE(cluster_.process(0).AwaitStderr("ForgedIncarnation"));
  EXPECT_EQ(LivenessOf(2), "alive");
  ExpectUnharmed();
  ASSERT_TRUE(HengedCluster::AwaitTrue([&] {
    const v1::NodeStatusReply status = cluster_.client(1).Status();
    for (const v1::PeerStatus& peer : status.peers()) {
      if (peer.member() == 1) return peer.liveness() == "alive" && peer.incarnation() > uint64_t{1} << 40;
    }
    return false;
  })) << "what can be exceeded was, and the others heard of it";
}

TEST_F(BadPeerTest, H38AnotherClusterAndNoMemberAreRefusedAtTheDoor) {
  FakePeer stranger(cluster_, 0, 3);
  stranger.hello().set_cluster(7);
  EXPECT_EQ(stranger.Gossip("").code(), 255u);
  EXPECT_THAT(stranger.End().error_message(), HasSubstr("another cluster"));
  FakePeer nobody(cluster_, 0, 99);
  EXPECT_EQ(nobody.Gossip("").code(), 255u);
  EXPECT_THAT(nobody.End().error_message(), HasSubstr("not in this cluster"));
  FakePeer later(cluster_, 0, 3);
  later.hello().set_protocol(kPeerProtocol + 1);
  EXPECT_EQ(later.Gossip("").code(), 255u);
  EXPECT_THAT(later.End().error_message(), HasSubstr("run versions that fit together"));
  EXPECT_EQ(cluster_.client(0).Status().foreign_peers_refused(), 3u);
  EXPECT_TRUE(cluster_.process(0).AwaitStderr("ForeignPeerRefused"));
  ExpectUnharmed();
}

// H5: a copy of a data directory, started beside the original. The peers keep to the original, the copy answers no
// client, whatever quorum it asks for, until the original is gone.
TEST(BadPeer, H5ACopyOfADataDirectoryServesNobodyWhileTheOriginalLives) {
  HengedCluster cluster(3, kQuick);
  ASSERT_TRUE(cluster.StartAll());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.client(i % 3).Put("k" + std::to_string(i), "v").ok());
  cluster.process(2).Kill();
  const std::string copy = cluster.scratch() / "copy";
  std::filesystem::copy(cluster.DataDir(2), copy, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(cluster.Start(2));
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  std::vector<std::string> flags = cluster.Flags(2, copy);
  flags.push_back("--client-listen=" + FreeAddress());
  flags.push_back("--peer-listen=" + FreeAddress());
  HengedProcess second(cluster.scratch(), flags);
  ASSERT_TRUE(second.AwaitReady()) << second.Stderr();
  EXPECT_TRUE(second.AwaitStderr("SecondProcess")) << second.Stderr();
  RawClient through(second.client_address());
  v1::Request request;
  request.set_key("k0");
  request.set_value("lost if it were taken");
  request.set_quorum(1);
  v1::Reply reply;
  grpc::ClientContext call;
  const grpc::Status put = through.kv().Put(&call, request, &reply);
  EXPECT_EQ(put.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(put.error_message(), HasSubstr("another live process of this member"));
  EXPECT_EQ(through.Get("k0", 1).status.error_code(), grpc::StatusCode::UNAVAILABLE) << "what it has may be old";
  const v1::NodeStatusReply said = through.Status();
  EXPECT_EQ(said.state(), "second");
  EXPECT_THAT(said.refused_as_second(), HasSubstr("n"));
  EXPECT_GT(cluster.client(0).Status().second_processes_refused(), 0u);
  EXPECT_TRUE(cluster.process(0).AwaitStderr("SecondProcessRefused"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(cluster.client(2).Get("k" + std::to_string(i)).reply.values_size(), 1);
    EXPECT_TRUE(cluster.client(2).Put("more" + std::to_string(i), "v").ok()) << "the original goes on";
  }
  EXPECT_EQ(cluster.client(2).Status().state(), "serving");
  // The operator has stopped one of the two.
  cluster.process(2).Kill();
  EXPECT_TRUE(HengedCluster::AwaitTrue([&] { return through.Status().state() == "serving"; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(through.Get("more" + std::to_string(i)).reply.values_size(), 1) << i;
}

// P18: a hint for who is no member.
TEST(BadPeer, P18AHintForWhoIsNoMemberIsRefused) {
  HengedCluster cluster(4, kQuick);
  for (int i : {0, 1, 2}) ASSERT_TRUE(cluster.Start(i));
  FakePeer fourth(cluster, 0, 4);
  std::string key = "k0";
  for (int i = 0; fourth.ring->IsOwner(PartitionOf(key), MemberId(1)); ++i) key = "k" + std::to_string(i);
  v1::PeerCall call;
  v1::WireKey* where = call.mutable_hint()->mutable_key();
  where->set_partition(PartitionOf(key).value());
  where->set_bucket(1);
  where->set_key(key);
  where->set_epoch(fourth.ring->Epoch(PartitionOf(key)).value());
  call.mutable_hint()->set_target(99);
  call.mutable_hint()->set_needed(2);
  call.mutable_hint()->set_object(Object().Encode());
  const v1::PeerAnswer answer = fourth.Ask(call);
  EXPECT_EQ(answer.code(), kFailedPrecondition);
  EXPECT_THAT(answer.message(), HasSubstr("member 99 is not in the cluster"));
  EXPECT_EQ(cluster.client(0).Status().hints_refused_member(), 1u);
  EXPECT_TRUE(cluster.process(0).AwaitStderr("HintForNoMemberRefused"));
}

// P17: while one owner is away and the fallbacks have room for a few hints only, writes go on, and all comes together.
TEST(BadPeer, P17AFullHintStoreLosesNothing) {
  std::vector<std::string> flags = kQuick;
  flags.push_back("--hints-bytes-max=8KiB");
  HengedCluster cluster(4, flags);
  ASSERT_TRUE(cluster.StartAll());
  cluster.process(3).Kill();
  const std::string value(500, 'v');
  for (int i = 0; i < 150; ++i) {
    const auto put = cluster.client(i % 3).Put("k" + std::to_string(i), value);
    ASSERT_TRUE(put.ok()) << i << ": " << put.status.error_message();
  }
  uint64_t marked = 0;
  EXPECT_TRUE(HengedCluster::AwaitTrue([&] {
    marked = 0;
    for (int i : {0, 1, 2}) marked += cluster.client(i).Status().hints_marked();
    return marked > 0;
  }));
  for (int i : {0, 1, 2}) {
    const v1::NodeStatusReply status = cluster.client(i).Status();
    EXPECT_EQ(status.hints_bytes_max(), 8u << 10);
    for (const v1::PendingHints& pending : status.hints()) {
      EXPECT_LE(pending.bytes(), 8u << 10);
      EXPECT_GT(pending.since_ms(), 0u);
    }
  }
  ASSERT_TRUE(cluster.Start(3));
  auto left = [&cluster] {
    uint64_t hints = 0;
    for (int i : {0, 1, 2}) {
      const v1::NodeStatusReply status = cluster.client(i).Status();
      hints += status.hint_marks() + static_cast<uint64_t>(status.hints_size());
    }
    return hints;
  };
  bool done = false;
  for (int wait = 0; wait < 4 && !done; ++wait) done = HengedCluster::AwaitTrue([&] { return left() == 0; });
  EXPECT_TRUE(done) << left() << " are left";
  for (int i = 0; i < 150; ++i) EXPECT_EQ(cluster.client(3).Get("k" + std::to_string(i), 3).reply.values_size(), 1);
}

}  // namespace
}  // namespace henge::chaos
