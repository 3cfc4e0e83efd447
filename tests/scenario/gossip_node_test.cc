// Gossip between whole nodes: partitions that last, links that are cut one way, processes that stand still, and
// messages that nobody should believe.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/model/bucket_changes.h"
#include "core/model/gossip_envelope.h"
#include "henge/v1/peer.pb.h"
#include "node/wire/peer_codec.h"
#include "tests/sim/liveness_checker.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

ClusterState StateOf(int nodes, const std::string& bucket = kLwwBucket) {
  std::vector<InitialMember> members;
  for (int i = 1; i <= nodes; ++i) {
    const std::string host = absl::StrCat("n", i);
    members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
  }
  const ClusterState first = *MakeInitialState("gossip", kReplicasDefault, std::move(members));
  return *CreateBucket(first, bucket, ConflictPolicy::kLastWriterWins, {});
}

// Nodes without clients.
class Nodes {
 public:
  explicit Nodes(int count, uint64_t seed = 1, bool forget_dead = false)
      : scheduler_(seed), random_(seed), network_(scheduler_, random_.Split("network"), SimLinkOptions()) {
    for (int i = 1; i <= count; ++i) Add(i, StateOf(count), forget_dead);
  }

  void Add(int number, ClusterState state, bool forget_dead = false) {
    SimNodeOptions options{.member = MemberId(static_cast<uint32_t>(number)), .state = std::move(state), .shards = 2};
    options.forget_dead = forget_dead;
    nodes_.push_back(std::make_unique<SimNode>(scheduler_, network_, random_, monitor_, serious_, std::move(options),
                                               [] { ADD_FAILURE() << "a store failed"; }));
    nodes_.back()->ShowLines([this](const std::string& line) { lines_.push_back(line); });
    EXPECT_TRUE(nodes_.back()->Start().ok());
  }

  void Run(Duration time) { scheduler_.RunFor(time); }
  SimNode& node(int number) { return *nodes_[static_cast<size_t>(number - 1)]; }
  SimNetwork& network() { return network_; }
  void CutBoth(int a, int b) {
    network_.Cut(static_cast<HostId>(a), static_cast<HostId>(b));
    network_.Cut(static_cast<HostId>(b), static_cast<HostId>(a));
  }
  Liveness View(int number, int of) { return node(number).liveness()->Of(MemberId(static_cast<uint32_t>(of))); }
  std::string NobodyMissing() { return absl::StrJoin(NotAlive(nodes_), ", "); }
  // How long it takes until all hold all alive; nothing if it takes longer than `limit`.
  std::optional<Duration> AwaitAllAlive(Duration limit) {
    const SimTime began = scheduler_.now();
    if (!scheduler_.RunUntilTrue([this] { return NotAlive(nodes_).empty(); }, began + limit)) return std::nullopt;
    return scheduler_.now() - began;
  }
  // Events of a node, "" = any node.
  int Count(const std::string& event, const std::string& node = "") {
    return static_cast<int>(std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
      return line.find(" " + event + " ") != std::string::npos &&
             (node.empty() || line.find(" " + node + " ") != std::string::npos);
    }));
  }

 private:
  SimScheduler scheduler_;
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  std::vector<SeriousEvent> serious_;
  std::vector<std::string> lines_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

// Calls from a port that no node listens on, with the answers that come back.
class Stranger final : public SimPort {
 public:
  Stranger(SimNetwork& network, HostId host) : network_(network), here_{host, 77} { network_.Attach(here_, this); }
  ~Stranger() override { network_.Detach(here_); }

  void Say(HostId to, std::string body) {
    v1::PeerFrame frame;
    v1::PeerCall* call = frame.add_calls();
    PeerRequestToProto(ControlRequest{ControlKind::kGossip, std::move(body)}, seconds(1), call);
    call->set_id(++calls_);
    network_.Send(here_, {to, 0}, frame.SerializeAsString());
  }
  void OnMessage(SimAddress, ConnectionId, std::string bytes) override {
    v1::PeerFrame frame;
    ASSERT_TRUE(frame.ParseFromString(bytes));
    for (v1::PeerAnswer& answer : *frame.mutable_answers())
      codes.push_back(PeerReplyFromProto(&answer).status().code());
  }
  void OnReset(HostId, ConnectionId) override {}

  std::vector<absl::StatusCode> codes;

 private:
  SimNetwork& network_;
  const SimAddress here_;
  uint64_t calls_ = 0;
};

// H39: after a partition that outlasts every timer the sides find together again.
TEST(GossipNodeTest, H39_APartitionOfHalfAnHourHeals) {
  for (uint64_t seed : {1, 2, 3}) {
    Nodes nodes(5, seed);
    nodes.Run(seconds(5));
    for (int a : {1, 2}) {
      for (int b : {3, 4, 5}) nodes.CutBoth(a, b);
    }
    nodes.Run(minutes(30));
    for (int a : {1, 2}) {
      for (int b : {3, 4, 5}) {
        EXPECT_EQ(nodes.View(a, b), Liveness::kDead);
        EXPECT_EQ(nodes.View(b, a), Liveness::kDead);
      }
    }
    EXPECT_EQ(nodes.View(1, 2), Liveness::kAlive);
    nodes.network().Heal();
    const auto took = nodes.AwaitAllAlive(LivenessBound({}));
    ASSERT_TRUE(took.has_value()) << nodes.NobodyMissing();
    EXPECT_LT(*took, seconds(10));
  }
}

TEST(GossipNodeTest, H39_NodesThatForgetTheDeadStayApart) {
  Nodes nodes(3, 1, /*forget_dead=*/true);
  nodes.Run(seconds(5));
  nodes.CutBoth(1, 2);
  nodes.CutBoth(1, 3);
  nodes.Run(seconds(60));
  nodes.network().Heal();
  EXPECT_FALSE(nodes.AwaitAllAlive(minutes(5)).has_value());
}

// H39: A and B don't reach each other, or only one way, and both reach C: nobody flaps.
TEST(GossipNodeTest, H39_APartialCutKillsNobody) {
  for (bool both_ways : {true, false}) {
    Nodes nodes(3);
    nodes.Run(seconds(5));
    nodes.network().Cut(1, 2);
    if (both_ways) nodes.network().Cut(2, 1);
    nodes.Run(minutes(5));
    EXPECT_EQ(nodes.Count("MemberDead"), 0);
    EXPECT_LE(nodes.Count("MemberSuspected"), 3);
  }
}

// A node that restarts under load of news, wiped or not, comes back above the incarnation that was held dead.
TEST(GossipNodeTest, IncarnationsRiseOverPowerLossAndWipe) {
  Nodes nodes(3);
  uint64_t last = 0;
  for (bool wipe : {false, true, false}) {
    nodes.node(3).PowerLoss();
    if (wipe) nodes.node(3).Wipe();
    nodes.Run(seconds(20));
    EXPECT_EQ(nodes.View(1, 3), Liveness::kDead);
    EXPECT_TRUE(nodes.node(3).Start().ok());
    ASSERT_TRUE(nodes.AwaitAllAlive(seconds(10)).has_value()) << nodes.NobodyMissing();
    const uint64_t now = nodes.node(1).liveness()->entries()[2].incarnation;
    EXPECT_GT(now, last);
    last = now;
  }
}

// SIGSTOP: the others hold it dead; it holds nobody dead when it goes on, and is alive again at once.
TEST(GossipNodeTest, AProcessThatStandsStillDiesForTheOthersOnly) {
  Nodes nodes(3);
  nodes.Run(seconds(5));
  nodes.node(2).Pause();
  nodes.Run(seconds(60));
  for (int i : {1, 3}) EXPECT_EQ(nodes.View(i, 2), Liveness::kDead);
  nodes.node(2).Resume();
  ASSERT_TRUE(nodes.AwaitAllAlive(seconds(10)).has_value()) << nodes.NobodyMissing();
  nodes.Run(seconds(10));
  EXPECT_EQ(nodes.NobodyMissing(), "");
  EXPECT_EQ(nodes.Count("MemberDead", "n2"), 0);
  EXPECT_EQ(nodes.node(2).gossip_figures().stalls, 1u);
}

// H38, and what a bad member may say: refused with a reason, counted, told once, and nothing is changed by it.
TEST(GossipNodeTest, H38_WhatNobodyShouldBelieveChangesNothing) {
  Nodes nodes(3);
  nodes.Run(seconds(5));
  Stranger stranger(nodes.network(), 2);
  const ClusterState state = StateOf(3);
  const auto say = [&](const GossipEnvelope& envelope) {
    stranger.Say(1, envelope.Encode());
    nodes.Run(seconds(1));
  };
  SwimCall lie{.kind = SwimKind::kGossip, .target = {}, .updates = {}};
  lie.updates.push_back({MemberId(3), Liveness::kDead, 1, MemberId(), ""});
  GossipEnvelope envelope{state.cluster, state.version, state.Digest(), lie.Encode()};

  GossipEnvelope elsewhere = envelope;
  elsewhere.cluster = ClusterId(42);
  say(elsewhere);
  GossipEnvelope later = envelope;
  later.message[0] = kSwimMessageVersion + 1;
  say(later);
  GossipEnvelope torn = envelope;
  torn.message.pop_back();
  say(torn);
  using Code = absl::StatusCode;
  EXPECT_EQ(stranger.codes,
            (std::vector<Code>{Code::kFailedPrecondition, Code::kFailedPrecondition, Code::kInvalidArgument}));
  EXPECT_EQ(nodes.node(1).gossip_figures().bad_messages, 3u);
  EXPECT_EQ(nodes.Count("GossipRefused", "n1"), 3) << "each reason once";

  for (uint64_t incarnation : {uint64_t{1} << 30, kIncarnationMax, UINT64_MAX}) {
    lie.updates[0].incarnation = incarnation;
    envelope.message = lie.Encode();
    say(envelope);
  }
  EXPECT_EQ(nodes.node(1).gossip_figures().forged, 3u);
  EXPECT_EQ(nodes.Count("ForgedIncarnation", "n1"), 1);
  nodes.Run(seconds(30));
  EXPECT_EQ(nodes.Count("MemberSuspected"), 0);
  EXPECT_EQ(nodes.NobodyMissing(), "");
}

// A lie that could be true is refuted: the member has its say before it counts as dead.
TEST(GossipNodeTest, ADeathThatIsOnlySaidIsRefuted) {
  Nodes nodes(3);
  nodes.Run(seconds(5));
  Stranger stranger(nodes.network(), 2);
  const ClusterState state = StateOf(3);
  SwimCall lie{.kind = SwimKind::kGossip, .target = {}, .updates = {}};
  lie.updates.push_back({MemberId(3), Liveness::kSuspect, 5, MemberId(2), ""});
  stranger.Say(1, GossipEnvelope{state.cluster, state.version, state.Digest(), lie.Encode()}.Encode());
  nodes.Run(seconds(10));
  EXPECT_EQ(nodes.Count("LivenessRefuted", "n3"), 1);
  EXPECT_EQ(nodes.Count("MemberDead"), 0);
  EXPECT_EQ(nodes.NobodyMissing(), "");
}

// P30: two states of one version.
TEST(GossipNodeTest, P30_TwoStatesOfOneVersionAreAlarmedOnce) {
  Nodes nodes(0);
  nodes.Add(1, StateOf(3));
  nodes.Add(2, StateOf(3));
  nodes.Add(3, StateOf(3, "another"));
  nodes.Run(seconds(60));
  EXPECT_EQ(nodes.Count("ClusterStateDiffers", "n1"), 1);
  EXPECT_EQ(nodes.Count("ClusterStateDiffers", "n2"), 1);
  EXPECT_EQ(nodes.Count("ClusterStateDiffers", "n3"), 1);
  EXPECT_EQ(nodes.NobodyMissing(), "") << "liveness is not membership";
}

// The sweep's checker of liveness finds nodes that forget the dead.
TEST(GossipNodeTest, I17_TheSweepSeesNodesThatForgetTheDead) {
  bool found = false;
  for (uint64_t seed = 1; seed <= 60 && !found; ++seed) {
    WorldOptions options = WorldOptions::FromSeed(seed);
    options.bug = PlantedBug::kForgetDead;
    // Cuts that are long for gossip this quick.
    options.duration = seconds(3);
    options.faults.partitions = true;
    options.gossip.probe_interval = milliseconds(100);
    options.gossip.probe_timeout = milliseconds(40);
    options.gossip.gossip_interval = milliseconds(25);
    options.gossip.suspicion.min = milliseconds(100);
    options.gossip.suspicion.max = milliseconds(400);
    for (const Violation& v : RunWorld(options).violations) found = found || v.invariant == "I17";
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace henge::sim
