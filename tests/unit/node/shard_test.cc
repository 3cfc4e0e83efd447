// Three whole shards on one loop, over stores in memory: what the coordinator and the replica do together.
#include "node/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node/fake_store_engine.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {
namespace {

using coordinator_test::Delete;
using coordinator_test::Get;
using coordinator_test::Put;
using coordinator_test::With;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class Cluster;

// Delivers at once; a cut link loses the request, or the reply.
class LoopbackTransport final : public Transport {
 public:
  LoopbackTransport(Cluster& cluster, MemberId self) : cluster_(cluster), self_(self) {}
  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override;

 private:
  Cluster& cluster_;
  MemberId self_;
};

struct TestNode {
  TestNode(Cluster& cluster, uint32_t id);

  CountingRandom random;
  RecordingTracer tracer;
  LoopbackTransport transport;
  FakeStoreEngine engine;
  std::unique_ptr<Shard> shard;
};

class Cluster {
 public:
  explicit Cluster(int members = 3) : ring(MakeRing(members)) {
    for (int i = 1; i <= members; ++i) {
      nodes.push_back(std::make_unique<TestNode>(*this, static_cast<uint32_t>(i)));
      Start(i);
    }
  }

  TestNode& node(uint32_t id) { return *nodes[id - 1]; }
  void Start(uint32_t id) {
    TestNode& n = node(id);
    n.shard.reset();
    n.shard = std::make_unique<Shard>(CoordinatorOptions{.self = MemberId(id)},
                                      ShardEnvironment{clock, loop, n.random, n.transport, n.tracer}, n.engine, ring);
  }
  std::shared_ptr<std::optional<ClientReply>> Begin(uint32_t id, ClientRequest request) {
    auto reply = std::make_shared<std::optional<ClientReply>>();
    node(id).shard->HandleClient(std::move(request), [reply](ClientReply r) { *reply = std::move(r); });
    loop.Run();
    return reply;
  }
  ClientReply Do(uint32_t id, ClientRequest request) {
    auto reply = Begin(id, std::move(request));
    loop.Pass(std::chrono::seconds(6));
    EXPECT_TRUE(reply->has_value());
    return reply->has_value() ? **reply : ClientReply{};
  }
  Object Durable(uint32_t id, const std::string& key = "k") {
    auto record = node(id).engine.records.find(Key(key));
    return record == node(id).engine.records.end() ? Object() : *Object::Decode(record->second.object);
  }
  void CutRequests(uint32_t from, uint32_t to) { cut_requests.emplace(from, to); }
  void CutReplies(uint32_t from, uint32_t to) { cut_replies.emplace(from, to); }
  void Heal() {
    cut_requests.clear();
    cut_replies.clear();
  }

  ManualClock clock;
  ManualLoop loop{clock};
  RingPtr ring;
  std::vector<std::unique_ptr<TestNode>> nodes;
  std::set<std::pair<uint32_t, uint32_t>> cut_requests;
  std::set<std::pair<uint32_t, uint32_t>> cut_replies;
};

TestNode::TestNode(Cluster& cluster, uint32_t id)
    : random(id), transport(cluster, MemberId(id)), engine(cluster.loop, StoreId(id)) {}

void LoopbackTransport::Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) {
  Cluster& cluster = cluster_;
  const auto link = std::pair(self_.value(), to.value());
  // Whoever loses the reply, the caller hears of its deadline; whichever comes first ends the call.
  auto once = std::make_shared<Callback>(std::move(done));
  cluster.loop.RunAt(deadline, [once] {
    if (*once) std::exchange(*once, nullptr)(absl::DeadlineExceededError("no answer"));
  });
  if (cluster.cut_requests.contains(link)) return;
  cluster.loop.Post([&cluster, link, to, deadline, once, from = self_, request = std::move(request)]() mutable {
    Shard* shard = cluster.node(to.value()).shard.get();
    if (shard == nullptr) {
      if (*once) std::exchange(*once, nullptr)(absl::UnavailableError("connection refused"));
      return;
    }
    shard->Handle(from, std::move(request), deadline, [&cluster, link, once](absl::StatusOr<PeerReply> reply) {
      if (cluster.cut_replies.contains(link) || !*once) return;
      cluster.loop.Post([once, reply = std::move(reply)]() mutable {
        if (*once) std::exchange(*once, nullptr)(std::move(reply));
      });
    });
  });
}

TEST(Shard, WhatOneNodeWroteEveryNodeReads) {
  Cluster cluster;
  ClientReply put = cluster.Do(1, Put("v"));
  ASSERT_TRUE(put.status.ok()) << put.status;
  for (uint32_t id = 1; id <= 3; ++id) {
    ClientReply get = cluster.Do(id, Get());
    EXPECT_THAT(get.values, ElementsAre("v")) << "at n" << id;
    EXPECT_EQ(cluster.Durable(id), cluster.Durable(1));
  }
}

TEST(Shard, ANodeThatDoesNotOwnTheKeyForwards) {
  Cluster cluster(5);
  for (uint32_t id = 1; id <= 5; ++id) {
    const ClientReply put = cluster.Do(id, Put(absl::StrCat("v", id), absl::StrCat("key", id)));
    ASSERT_TRUE(put.status.ok()) << put.status;
    const PartitionId partition = PartitionOf(absl::StrCat("key", id));
    EXPECT_TRUE(cluster.ring->IsOwner(partition, put.facts.coordinator));
    for (uint32_t reader = 1; reader <= 5; ++reader) {
      EXPECT_THAT(cluster.Do(reader, Get(absl::StrCat("key", id))).values, ElementsAre(absl::StrCat("v", id)));
    }
  }
}

TEST(Shard, ConcurrentBlindPutsAreBothKeptAndAContextResolvesThem) {
  Cluster cluster;
  auto a = cluster.Begin(1, Put("a"));
  auto b = cluster.Begin(2, Put("b"));
  cluster.loop.Pass(std::chrono::seconds(1));
  ClientReply both = cluster.Do(3, Get());
  EXPECT_THAT(both.values, UnorderedElementsAre("a", "b"));
  ClientRequest resolve = Put("c");
  resolve.context = both.context;
  ASSERT_TRUE(cluster.Do(2, resolve).status.ok());
  EXPECT_THAT(cluster.Do(1, Get()).values, ElementsAre("c"));
}

TEST(Shard, ADeadNodeCostsNoWrite) {
  Cluster cluster;
  cluster.node(3).shard.reset();
  for (int i = 0; i < 20; ++i) {
    const ClientReply put = cluster.Do(1, Put("v", absl::StrCat("key", i)));
    ASSERT_TRUE(put.status.ok()) << put.status;
    EXPECT_THAT(cluster.Do(2, Get(absl::StrCat("key", i))).values, ElementsAre("v"));
  }
  EXPECT_TRUE(absl::IsUnavailable(cluster.Do(1, With(Put("v"), 3)).status));
}

TEST(Shard, ANodeThatMissedAWriteIsRepairedByTheReadThatNotices) {
  Cluster cluster;
  cluster.CutRequests(1, 3);
  ASSERT_TRUE(cluster.Do(1, Put("v")).status.ok());
  EXPECT_TRUE(cluster.Durable(3).empty());
  cluster.Heal();
  ClientReply get = cluster.Do(3, Get());
  EXPECT_THAT(get.values, ElementsAre("v"));
  EXPECT_EQ(cluster.Durable(3), cluster.Durable(1));
}

TEST(Shard, H26StrictReadsNeverGoBack) {
  Cluster cluster;
  // The write reaches n1 only, and is unknown to its client.
  cluster.CutRequests(1, 2);
  cluster.CutRequests(1, 3);
  EXPECT_EQ(cluster.Do(1, Put("v")).outcome, Outcome::kUnknown);
  cluster.Heal();
  ASSERT_THAT(cluster.Do(1, With(Get(), 2, QuorumMode::kStrict)).values, ElementsAre("v"));
  // Who has seen it sees it again, though the node that had it is gone.
  cluster.node(1).shard.reset();
  EXPECT_THAT(cluster.Do(2, With(Get(), 2, QuorumMode::kStrict)).values, ElementsAre("v"));
}

TEST(Shard, P8ARetryThroughAnotherNodeMakesNoFalseSibling) {
  Cluster cluster;
  ClientRequest put = Put("v");
  put.op_id = {1, 2};
  put.budget = milliseconds(100);
  cluster.CutReplies(1, 2);
  cluster.CutReplies(1, 3);
  const ClientReply lost = cluster.Do(1, put);
  EXPECT_EQ(lost.outcome, Outcome::kUnknown);
  cluster.Heal();
  put.retry = true;
  const ClientReply retried = cluster.Do(2, put);
  ASSERT_TRUE(retried.status.ok()) << retried.status;
  EXPECT_GE(retried.facts.durable, 2u);
  for (uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.Durable(id).siblings().size(), 1u);
}

TEST(Shard, P8ARetryThatRacesItsFirstTryShowsOnce) {
  Cluster cluster;
  ClientRequest put = Put("v");
  put.op_id = {1, 2};
  auto first = cluster.Begin(1, put);
  put.retry = true;
  // n2 knows nothing of the first try, and mints.
  cluster.node(2).engine.records.clear();
  cluster.node(3).engine.records.clear();
  cluster.CutRequests(2, 1);
  auto second = cluster.Begin(2, put);
  cluster.loop.Pass(std::chrono::seconds(1));
  cluster.Heal();
  ClientReply get = cluster.Do(3, With(Get(), 3));
  EXPECT_THAT(get.values, ElementsAre("v"));
  ClientRequest next = Put("next");
  next.context = get.context;
  cluster.Do(1, next);
  EXPECT_THAT(cluster.Do(2, With(Get(), 3)).values, ElementsAre("next")) << "the context covered both";
}

TEST(Shard, P38ADeleteWithoutAContextLeavesNothingToRead) {
  Cluster cluster;
  cluster.Do(1, Put("a"));
  cluster.Do(2, Put("b"));
  ASSERT_TRUE(cluster.Do(3, Delete()).status.ok());
  for (uint32_t id = 1; id <= 3; ++id) EXPECT_TRUE(absl::IsNotFound(cluster.Do(id, Get()).status));
}

TEST(Shard, P7AStoreThatForgotIsFoundOutByItsPeersAndTheWriteSurvives) {
  Cluster cluster;
  // Each with an op_id of its own, as clients give them.
  auto put = [](std::string value, uint64_t op) {
    ClientRequest request = Put(std::move(value));
    request.op_id = {1, op};
    return request;
  };
  ASSERT_TRUE(cluster.Do(1, put("a", 1)).status.ok());
  ASSERT_TRUE(cluster.Do(1, put("b", 2)).status.ok());
  // n1's chance and disk go back to where they were: a snapshot of the whole machine, lifetime included.
  cluster.node(1).random = CountingRandom(1);
  cluster.node(1).engine.records.clear();
  cluster.Start(1);
  const ClientReply reply = cluster.Do(1, put("c", 3));
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(cluster.node(1).shard->coordinator().figures().amnesia_events, 1u);
  EXPECT_EQ(cluster.node(1).shard->replica().figures().lifetimes_closed, 1u);
  for (uint32_t id = 2; id <= 3; ++id) {
    EXPECT_THAT(cluster.Do(id, Get()).values, UnorderedElementsAre("a", "b", "c")) << "at n" << id;
  }
}

TEST(Shard, AForwardedRequestInheritsTheCallersDeadline) {
  Cluster cluster;
  std::optional<absl::Status> status;
  cluster.node(1).shard->Handle(MemberId(2), ForwardRequest{Get()}, cluster.clock.now,
                                [&status](absl::StatusOr<PeerReply> reply) { status = reply.status(); });
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(*status));

  cluster.CutRequests(1, 2);
  cluster.CutRequests(1, 3);
  std::optional<ClientReply> answer;
  cluster.node(1).shard->Handle(
      MemberId(2), ForwardRequest{Get()}, cluster.clock.now + milliseconds(70),
      [&answer](absl::StatusOr<PeerReply> reply) { answer = std::get<ForwardReply>(*reply).reply; });
  cluster.loop.Pass(milliseconds(71));
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer->status));
}

}  // namespace
}  // namespace henge::node_test
