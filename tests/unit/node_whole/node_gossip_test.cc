// What a whole node does with its failure detector: shards are told, figures show it, a drain ends it.
#include <gtest/gtest.h>

#include "node/node.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge {
namespace {

using coordinator_test::CountingRandom;
using coordinator_test::FakeTransport;
using coordinator_test::MakeRing;
using coordinator_test::ManualClock;
using coordinator_test::ManualLoop;
using coordinator_test::RecordingTracer;
using node_test::FakeStoreEngine;
using std::chrono::seconds;

// Counts what is posted to a loop.
class CountingLoop final : public Executor {
 public:
  explicit CountingLoop(ManualLoop& loop) : loop_(loop) {}
  void Post(Closure closure) override {
    ++posts;
    loop_.Post(std::move(closure));
  }
  TimerId RunAt(MonotonicTime when, Closure closure) override { return loop_.RunAt(when, std::move(closure)); }
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure) override { loop_.AtTurnEnd(phase, std::move(closure)); }

  int posts = 0;

 private:
  ManualLoop& loop_;
};

// Member 1 of three, with two shards; nobody answers it.
class NodeGossipTest : public ::testing::Test {
 protected:
  NodeGossipTest() {
    NodeOptions options;
    options.self = MemberId(1);
    options.state = MakeRing(3)->state();
    NodeEnvironment environment{{}, engine_};
    environment.shards.push_back({clock_, loop_, random_, transport_, tracer_});
    environment.shards.push_back({clock_, second_, random_, transport_, tracer_});
    node_ = std::make_unique<Node>(std::move(options), std::move(environment));
    EXPECT_TRUE(node_->Start().ok());
  }

  // Lets time pass in which every call fails.
  void PassUnanswered(Duration time) {
    for (const MonotonicTime end = clock_.now + time; clock_.now < end;) {
      loop_.Pass(std::chrono::milliseconds(100));
      for (size_t i = 0; i < transport_.sent.size(); ++i) {
        if (transport_.sent[i].done) transport_.Answer(i, absl::UnavailableError("nobody"));
      }
    }
  }
  NodeFigures Figures() {
    NodeFigures result;
    node_->CollectFigures([&result](NodeFigures figures) { result = std::move(figures); });
    loop_.Run();
    return result;
  }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  CountingLoop second_{loop_};
  CountingRandom random_{9};
  RecordingTracer tracer_;
  FakeTransport transport_{loop_};
  FakeStoreEngine engine_{loop_, StoreId(77)};
  std::unique_ptr<Node> node_;
};

TEST_F(NodeGossipTest, EveryShardIsToldAndTheFiguresShowWhoIsDead) {
  loop_.Run();
  const int posts = second_.posts;
  PassUnanswered(seconds(40));
  // Each of two members is suspected, then dead.
  EXPECT_EQ(second_.posts - posts, 4);
  EXPECT_EQ(tracer_.events["MemberDead"], 2);
  const NodeFigures figures = Figures();
  ASSERT_NE(figures.liveness, nullptr);
  EXPECT_EQ(figures.liveness->Of(MemberId(1)), Liveness::kAlive);
  EXPECT_EQ(figures.liveness->Of(MemberId(2)), Liveness::kDead);
  EXPECT_EQ(figures.liveness->Of(MemberId(3)), Liveness::kDead);
  EXPECT_GT(figures.gossip.probes_failed, 1u);
  EXPECT_EQ(figures.gossip.calls_failed, figures.gossip.calls_sent);
}

TEST_F(NodeGossipTest, ADrainedNodeAsksNobody) {
  PassUnanswered(seconds(3));
  bool idle = false;
  node_->Drain([&idle] { idle = true; });
  loop_.Run();
  EXPECT_TRUE(idle);
  const size_t sent = transport_.sent.size();
  PassUnanswered(seconds(30));
  EXPECT_EQ(transport_.sent.size(), sent);
}

TEST_F(NodeGossipTest, GossipOfThePeersIsServedOnTheControlLoop) {
  const ClusterState state = MakeRing(3)->state();
  const std::string ping = SwimCall().Encode();
  std::optional<absl::StatusOr<PeerReply>> result;
  node_->HandlePeer(
      MemberId(2),
      ControlRequest{ControlKind::kGossip, GossipEnvelope{state.cluster, state.version, state.Digest(), ping}.Encode()},
      clock_.now + seconds(1), [&result](absl::StatusOr<PeerReply> reply) { result = std::move(reply); });
  loop_.Run();
  ASSERT_TRUE(result.has_value() && result->ok());
  const auto envelope = GossipEnvelope::Decode(std::get<ControlReply>(**result).body);
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->version, state.version);
  EXPECT_TRUE(SwimAnswer::Decode(envelope->message).ok());
}

}  // namespace
}  // namespace henge
