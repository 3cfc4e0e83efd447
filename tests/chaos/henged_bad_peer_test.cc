// Peers that are not what they say, on real processes: refused with a clear word, said in the log, counted in the
// status, and nothing is lost (H5, H27, H38). Each test prints what was refused, how, and what it left.
#include <cstdio>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/swim_table.h"
#include "node/antientropy/shared_partitions.h"
#include "node/wire/tree_codec.h"
#include "tests/chaos/refusal_trace.h"
#include "tests/chaos/rogue_peer.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Ping(std::vector<SwimUpdate> updates) {
  return SwimCall{.kind = SwimKind::kPing, .target = {}, .updates = std::move(updates)}.Encode();
}

// Two of three members run: the third one's name is free for a rogue.
class BadPeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.Start(0));
    ASSERT_TRUE(cluster_.Start(1));
    ASSERT_TRUE(cluster_.AwaitPeers(0, 1));
    for (int i : {0, 1}) ASSERT_TRUE(cluster_.AwaitWhole(i));
    ASSERT_TRUE(cluster_.client(0).Put("before", "v").ok());
  }
  v1::NodeStatusReply Status() { return cluster_.client(0).Status(); }
  std::string LivenessOf(uint32_t member) {
    const v1::NodeStatusReply status = Status();
    for (const v1::PeerStatus& peer : status.peers()) {
      if (peer.member() == member) return peer.liveness();
    }
    return "";
  }
  void ExpectUnharmed() {
    EXPECT_TRUE(cluster_.client(0).Put("after", "v").ok());
    EXPECT_EQ(cluster_.client(1).Get("before").reply.values_size(), 1);
    EXPECT_EQ(cluster_.client(1).Get("after").reply.values_size(), 1);
  }

  HengedCluster cluster_{3, RogueFlags()};
};

// H38, and news that no member can have sent.
TEST_F(BadPeerTest, GossipOfAnotherClusterOrVersionIsRefusedAndCounted) {
  RogueCaller third(cluster_, 0, 3);
  const SwimUpdate death{.member = MemberId(2), .liveness = Liveness::kDead, .incarnation = 1};
  const auto refused = [&](const char* what, const std::string& body, const std::string& why) {
    const uint64_t before = Status().gossip_bad_messages();
    const v1::PeerAnswer answer = third.Gossip(body);
    EXPECT_EQ(answer.code(), WireCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(answer.message(), HasSubstr(why));
    EXPECT_EQ(Status().gossip_bad_messages(), before + 1);
    ExpectTrace(what, {answer.message(), AwaitLine(cluster_.process(0), "GossipRefused", why), before,
                       Status().gossip_bad_messages()});
  };
  const GossipEnvelope stranger{ClusterId(7), StateVersion(1), 1, Ping({death})};
  refused("gossip of another cluster", stranger.Encode(), "check the addresses");
  std::string later = SealedFor(*third.ring, Ping({death}));
  later[0] = kGossipEnvelopeVersion + 1;
  refused("a gossip envelope of a future version", later, "a gossip envelope of version 2");
  std::string later_message = Ping({death});
  later_message[0] = kSwimMessageVersion + 1;
  refused("a gossip message of a future version", SealedFor(*third.ring, later_message),
          "a gossip message of version 2");
  EXPECT_EQ(third.Gossip("garbage").code(), WireCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(LivenessOf(2), "alive") << "nothing of it was believed";
  ExpectUnharmed();
}

TEST_F(BadPeerTest, ForgedIncarnationsAreCountedAndKeepNobodyDead) {
  RogueCaller third(cluster_, 0, 3);
  for (uint64_t incarnation : {UINT64_MAX, kIncarnationMax - 1, uint64_t{1} << 40}) {
    for (uint32_t member : {1u, 2u}) {
      const SwimUpdate death{.member = MemberId(member), .liveness = Liveness::kDead, .incarnation = incarnation};
      EXPECT_EQ(third.Gossip(SealedFor(*third.ring, Ping({death}))).code(), 0u);
    }
  }
  EXPECT_EQ(Status().gossip_forged(), 6u);
  const std::string line = AwaitLine(cluster_.process(0), "ForgedIncarnation", "member=n2");
  EXPECT_THAT(line, AllOf(HasSubstr("from=n3"), HasSubstr(std::to_string(UINT64_MAX)), HasSubstr("not believed")));
  ExpectTrace("a forged incarnation", {"(answered, but not believed)", line, 0, Status().gossip_forged()});
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

TEST_F(BadPeerTest, H38StrangersAreRefusedAtTheDoor) {
  uint64_t count = 0;
  const auto refused = [&](const char* what, auto change, const std::string& why) {
    RogueCaller stranger(cluster_, 0, 3);
    change(&stranger.hello);
    EXPECT_EQ(stranger.Gossip("").code(), RogueCaller::kStreamEnded);
    const std::string said = stranger.End().error_message();
    EXPECT_THAT(said, HasSubstr(why));
    EXPECT_EQ(Status().foreign_peers_refused(), ++count);
    const std::string line = AwaitLine(cluster_.process(0), "ForeignPeerRefused", why);
    EXPECT_THAT(line, HasSubstr("address=ipv4:127.0.0.1:"));
    ExpectTrace(what, {said, line, count - 1, Status().foreign_peers_refused()});
  };
  refused(
      "a caller of another cluster", [](v1::PeerHello* hello) { hello->set_cluster(7); }, "another cluster");
  refused(
      "a caller that is no member", [](v1::PeerHello* hello) { hello->set_member(99); }, "not in this cluster");
  refused(
      "a caller of a future protocol", [](v1::PeerHello* hello) { hello->set_protocol(kPeerProtocol + 1); },
      "run versions that fit together");
  ExpectUnharmed();
}

// H27: who asks about trees that are not those that both have.
TEST_F(BadPeerTest, H27AMerkleExchangeWithOtherParametersIsRefusedAndCounted) {
  RogueCaller third(cluster_, 0, 3);
  TreeRequest ours;
  ours.level = TreeLevel::kGroups;
  ours.parameters.cluster = third.ring->cluster();
  ours.parameters.epoch = SharedBy(*third.ring, MemberId(1), MemberId(3), 1, 0).digest;
  const auto ask = [&](const TreeRequest& request) {
    v1::PeerCall call;
    TreeRequestToProto(request, call.mutable_tree());
    return third.Ask(call);
  };
  EXPECT_EQ(ask(ours).code(), 0u) << "a peer that asks properly is answered";
  const auto refused = [&](const char* what, uint32_t code, auto change, const std::string& why) {
    TreeRequest strange = ours;
    change(&strange);
    const uint64_t before = Status().entropy().refused();
    const v1::PeerAnswer answer = ask(strange);
    EXPECT_EQ(answer.code(), code);
    EXPECT_THAT(answer.message(), HasSubstr(why));
    EXPECT_EQ(Status().entropy().refused(), before + 1);
    ExpectTrace(what, {answer.message(), AwaitLine(cluster_.process(0), "TreesNotComparable", why), before,
                       Status().entropy().refused()});
  };
  refused(
      "trees of another hash", WireCode(absl::StatusCode::kFailedPrecondition),
      [](TreeRequest* r) { ++r->parameters.hash_version; },
      "the version of the record hash is 2 at the peer and 1 here: run versions that fit together");
  refused(
      "trees of more leaves", WireCode(absl::StatusCode::kFailedPrecondition),
      [](TreeRequest* r) { r->parameters.leaves = 1024; }, "the number of leaves is 1024");
  refused(
      "trees of fewer branches", WireCode(absl::StatusCode::kFailedPrecondition),
      [](TreeRequest* r) { r->parameters.branches = 4; }, "the number of branches is 4");
  refused(
      "trees of another cluster", WireCode(absl::StatusCode::kFailedPrecondition),
      [](TreeRequest* r) { r->parameters.cluster = ClusterId(7); }, "the cluster id is 0000000000000007");
  refused(
      "trees of another layout", WireCode(absl::StatusCode::kFailedPrecondition),
      [](TreeRequest* r) { r->parameters.epoch = LayoutEpoch(42); }, "the layout epoch is 000000000000002a");
  refused(
      "records after a key of another leaf", WireCode(absl::StatusCode::kInvalidArgument),
      [](TreeRequest* r) {
        r->level = TreeLevel::kRecords;
        r->nodes = {0};
        r->after_key = "of another leaf";
      },
      "the key to go on after is of another leaf");
  ExpectUnharmed();
}

// What doesn't even pass for a call.
TEST_F(BadPeerTest, H38CallsOfAFutureVersionAreRefusedAndCounted) {
  RogueCaller third(cluster_, 0, 3);
  const auto refused = [&](const char* what, const v1::PeerCall& call, const std::string& why) {
    const uint64_t before = Status().peer_calls_refused();
    const v1::PeerAnswer answer = third.Ask(call);
    EXPECT_EQ(answer.code(), WireCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(answer.message(), HasSubstr(why));
    ExpectTrace(what, {answer.message(), AwaitLine(cluster_.process(0), "PeerCallRefused", why), before,
                       Status().peer_calls_refused()});
  };
  refused("a call that this version has not", v1::PeerCall(), "of a kind that this version doesn't know");
  v1::PeerCall control;
  control.mutable_control()->set_kind(77);
  refused("a control message that this version has not", control, "a control message of kind 77");
  v1::PeerCall level;
  level.mutable_tree()->set_level(9);
  refused("a level of trees that this version has not", level, "a level 9 of trees");
  ExpectUnharmed();
}

// H27 from the other side: what a peer refuses, or answers wrongly, is said once; the others are compared on, and once
// the peer is a proper one it is made whole.
TEST_F(BadPeerTest, H27APeerWithOtherTreesIsLeftAloneUntilItIsAProperOne) {
  {
    RogueListener rogue(cluster_.peer_address(2), RingOf(cluster_, 0), 3);
    ASSERT_TRUE(HengedCluster::AwaitTrue([&] { return Status().entropy().refused_by_peers() > 0; }))
        << cluster_.process(0).Stderr();
    ExpectTrace("a peer refuses to compare", {"the trees of this rogue are of other parameters",
                                              AwaitLine(cluster_.process(0), "ExchangeRefused", "peer=3"), 0,
                                              Status().entropy().refused_by_peers()});
    const uint64_t failed = Status().entropy().rounds_failed();
    const uint64_t equal = Status().entropy().rounds_equal();
    rogue.trees = RogueListener::Trees::kGarbled;
    const std::string garbled = AwaitLine(cluster_.process(0), "ExchangeFailed", "does not fit what it was asked");
    ExpectTrace("a peer answers garbage",
                {"(its answer is dropped)", garbled, failed, Status().entropy().rounds_failed()});
    EXPECT_TRUE(HengedCluster::AwaitTrue([&] { return Status().entropy().rounds_equal() > equal; }))
        << "the others are compared on";
    ExpectUnharmed();
  }
  ASSERT_TRUE(cluster_.Start(2));
  ASSERT_TRUE(cluster_.AwaitWhole(2));
  for (const char* key : {"before", "after"}) EXPECT_EQ(cluster_.client(2).Get(key, 1).reply.values_size(), 1) << key;
}

// H5: a copy of a data directory, started beside the original. The peers keep to the original, the copy answers no
// client, whatever quorum it asks for, until the original is gone.
TEST(BadPeer, H5ACopyOfADataDirectoryServesNobodyWhileTheOriginalLives) {
  HengedCluster cluster(3, RogueFlags());
  ASSERT_TRUE(cluster.StartAll());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(cluster.client(i % 3).Put("k" + std::to_string(i), "v").ok());
  cluster.process(2).Kill();
  const std::string copy = cluster.scratch() / "copy";
  std::filesystem::copy(cluster.DataDir(2), copy, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(cluster.Start(2));
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  const uint64_t before = cluster.client(0).Status().second_processes_refused();
  std::vector<std::string> flags = cluster.Flags(2, copy);
  flags.push_back("--client-listen=" + FreeAddress());
  flags.push_back("--peer-listen=" + FreeAddress());
  HengedProcess second(cluster.scratch(), flags);
  ASSERT_TRUE(second.AwaitReady()) << second.Stderr();
  const std::string advice = AwaitLine(second, "SecondProcess ");
  EXPECT_THAT(advice, HasSubstr("if the data directory was copied, delete the copy"));
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
  const std::string line = AwaitLine(cluster.process(0), "SecondProcessRefused", "peer=n3");
  EXPECT_THAT(line, HasSubstr("address=ipv4:127.0.0.1:")) << "says where the copy runs";
  ExpectTrace("a copy of a data directory, to its client",
              {put.error_message(), line, before, cluster.client(0).Status().second_processes_refused()});
  std::printf("  its own: %s\n  by peers: %s\n", advice.c_str(), AwaitLine(second, "PeerRefused").c_str());
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

}  // namespace
}  // namespace henge::chaos
