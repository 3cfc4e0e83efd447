// Delivery: to whom, when, and what goes after which ack (P16, P18, P34, P39).
#include "node/hints/hint_delivery.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Object kOne = MakeObject({{1, 1, "one"}});
const Object kTwo = MakeObject({{2, 1, "two"}});

class HintDeliveryTest : public ::testing::Test {
 protected:
  void SetUp() override { rig.StartDelivery(); }

  void Keep(const Object& object, std::optional<RecordKey> key = std::nullopt) {
    ASSERT_TRUE(rig.StoreNow(rig.HintOf(object, std::move(key))).ok());
  }
  std::vector<size_t> Open(MemberId to) { return rig.transport.Open<MergeRequest>(to); }
  void Ack(MemberId from) { rig.transport.Answer(Open(from).at(0), PeerReply(MergeReply{})); }
  void Refuse(MemberId from, absl::Status status) { rig.transport.Answer(Open(from).at(0), std::move(status)); }

  HintRig rig;
};

TEST_F(HintDeliveryTest, SendsSoonAndRemovesAfterTheAck) {
  Keep(kOne);
  EXPECT_TRUE(Open(rig.target).empty()) << "more may gather";
  rig.loop.Pass(seconds(1));
  ASSERT_EQ(Open(rig.target).size(), 1u);
  const auto& sent = std::get<MergeRequest>(rig.transport.sent[Open(rig.target)[0]].request);
  EXPECT_EQ(sent.object, kOne.Encode());
  EXPECT_EQ(sent.epoch, rig.ring->Epoch(rig.key.partition));
  EXPECT_EQ(rig.store.hints.size(), 1u) << "an unacknowledged copy stays";
  Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
  HintFigures figures = rig.keeper->figures();
  rig.delivery->AddTo(&figures);
  EXPECT_EQ(figures.delivered, 1u);
  EXPECT_TRUE(figures.pending.empty());
}

// P18: what a former run kept for a member that was removed meanwhile goes to the owners of today.
TEST_F(HintDeliveryTest, P18AHintForWhoIsNoMemberGoesToAllOwners) {
  rig.store.hints[{MemberId(99), rig.key}] = {.object = kOne.Encode(), .needed = 2, .stored_at_ms = 5};
  rig.Restart();
  rig.StartDelivery();
  rig.loop.Run();
  rig.loop.Pass(seconds(1));
  for (MemberId owner : rig.ring->Owners(rig.key.partition)) {
    EXPECT_EQ(rig.store.hints.size(), 1u);
    ASSERT_EQ(Open(owner).size(), 1u);
    Ack(owner);
  }
  EXPECT_TRUE(rig.store.hints.empty());
  EXPECT_EQ(rig.tracer.events["HintsForNoMember"], 1);
  HintFigures figures = rig.keeper->figures();
  rig.delivery->AddTo(&figures);
  EXPECT_EQ(figures.redirected, 1u);
}

// What became a mark, or went otherwise, while its delivery waited: the target's return finds nothing to do.
TEST_F(HintDeliveryTest, ATargetComesBackAfterItsHintsHaveGone) {
  for (MemberId target : {rig.target, rig.other}) {
    ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOne, std::nullopt, target)).ok());
  }
  rig.Live({rig.target, rig.other});
  for (MemberId target : {rig.target, rig.other}) {
    rig.keeper->shelf().Remove({target, rig.key}, ObjectDigest(kOne.Encode()), [](const absl::StatusOr<bool>&) {});
  }
  rig.loop.Run();
  ASSERT_TRUE(rig.store.hints.empty());
  rig.Live({});
  rig.loop.Pass(seconds(5));
  EXPECT_FALSE(rig.loop.has_timers());
}

// P16: what was merged while the older one was in flight stays, and goes next.
TEST_F(HintDeliveryTest, AHintThatGrewInFlightStays) {
  Keep(kOne);
  rig.loop.Pass(seconds(1));
  Keep(kTwo);
  Ack(rig.target);
  ASSERT_EQ(rig.store.hints.size(), 1u);
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
  rig.loop.Pass(seconds(2));
  Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
}

// Nothing is there: nothing wakes the loop.
TEST_F(HintDeliveryTest, WithoutHintsThereIsNoTimer) {
  rig.loop.Run();
  EXPECT_FALSE(rig.loop.has_timers());
  Keep(kOne);
  rig.loop.Pass(seconds(1));
  Ack(rig.target);
  rig.loop.Pass(seconds(5));
  EXPECT_FALSE(rig.loop.has_timers());
  rig.Live({});
  EXPECT_FALSE(rig.loop.has_timers());
}

TEST_F(HintDeliveryTest, BacksOffAndComesBackWithTheTarget) {
  Keep(kOne);
  rig.loop.Pass(seconds(1));
  Refuse(rig.target, absl::UnavailableError("no connection"));
  EXPECT_EQ(rig.store.hints.size(), 1u);
  int calls = 0;
  for (int i = 0; i < 600; ++i) {
    rig.loop.Pass(milliseconds(500));
    while (!Open(rig.target).empty()) {
      ++calls;
      Refuse(rig.target, absl::UnavailableError("no connection"));
    }
  }
  EXPECT_GE(calls, 8);
  EXPECT_LE(calls, 25) << "five minutes of backing off";
  rig.Live({rig.target});
  rig.loop.Pass(seconds(5));
  for (size_t open : Open(rig.target)) rig.transport.Answer(open, absl::UnavailableError("no connection"));
  rig.Live({});
  rig.loop.Pass(milliseconds(1));
  ASSERT_EQ(Open(rig.target).size(), 1u) << "at once when it is back";
  Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
}

// Each change of the ring is worth an attempt; that it fails says nothing about the next ones.
TEST_F(HintDeliveryTest, AttemptsAtChangesOfTheRingAreNotBackedOffFrom) {
  Keep(kOne);
  rig.loop.Pass(seconds(1));
  Refuse(rig.target, absl::ResourceExhaustedError("this node's disk is full"));
  for (int i = 0; i < 10; ++i) {
    rig.ring = Changed(rig.ring, [](ClusterState*) {});
    rig.delivery->UpdateRing(rig.ring);
    rig.loop.Pass(milliseconds(10));
    ASSERT_EQ(Open(rig.target).size(), 1u) << i;
    Refuse(rig.target, absl::ResourceExhaustedError("this node's disk is full"));
  }
  rig.loop.Pass(seconds(1));
  ASSERT_EQ(Open(rig.target).size(), 1u);
  Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
}

// H39: liveness is an opinion; but a dead target is not flooded.
TEST_F(HintDeliveryTest, ADeadTargetIsTriedWithOneHintNowAndThen) {
  rig.Live({rig.target});
  const auto owned = [&](PartitionId p) {
    return rig.ring->Owners(p)[0] == rig.target && !rig.ring->IsOwner(p, MemberId(1));
  };
  for (int i = 0, from = 0; i < 6; ++i) {
    const RecordKey key = rig.KeyWith(owned, from);
    from = std::stoi(key.key.substr(1)) + 1;
    Keep(kOne, key);
  }
  rig.loop.Pass(seconds(20));
  EXPECT_TRUE(Open(rig.target).empty());
  rig.loop.Pass(seconds(60));
  EXPECT_EQ(Open(rig.target).size(), 1u) << "one, though six are there";
  Ack(rig.target);
  EXPECT_EQ(Open(rig.target).size(), 4u) << "it answers: on with the next page";
  while (!Open(rig.target).empty()) Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
}

TEST_F(HintDeliveryTest, SendsAPageAtATimeInStorageOrder) {
  const auto owned = [&](PartitionId p) {
    return rig.ring->Owners(p)[0] == rig.target && !rig.ring->IsOwner(p, MemberId(1));
  };
  for (int i = 0, from = 0; i < 10; ++i) {
    const RecordKey key = rig.KeyWith(owned, from);
    from = std::stoi(key.key.substr(1)) + 1;
    Keep(kOne, key);
  }
  rig.loop.Pass(seconds(1));
  PartitionId last;
  int acked = 0;
  while (!Open(rig.target).empty()) {
    ASSERT_LE(Open(rig.target).size(), 4u) << "the window";
    for (size_t open : Open(rig.target)) {
      const PartitionId partition = std::get<MergeRequest>(rig.transport.sent[open].request).key.partition;
      EXPECT_GE(partition, last);
      last = partition;
      rig.transport.Answer(open, PeerReply(MergeReply{}));
      ++acked;
    }
  }
  EXPECT_EQ(acked, 10);
  EXPECT_TRUE(rig.store.hints.empty());
}

// H50: one that is refused for what it is harms no other.
TEST_F(HintDeliveryTest, APoisonedHintStandsInNobodysWay) {
  const auto owned = [&](PartitionId p) {
    return rig.ring->Owners(p)[0] == rig.target && !rig.ring->IsOwner(p, MemberId(1));
  };
  for (int i = 0, from = 0; i < 6; ++i) {
    const RecordKey key = rig.KeyWith(owned, from);
    from = std::stoi(key.key.substr(1)) + 1;
    Keep(kOne, key);
  }
  rig.loop.Pass(seconds(1));
  Refuse(rig.target, absl::DataLossError("not an object"));
  while (!Open(rig.target).empty()) Ack(rig.target);
  EXPECT_EQ(rig.store.hints.size(), 1u) << "it stays: it may be somebody's last copy";
  EXPECT_EQ(rig.tracer.events["HintRefused"], 1);
}

// H18, P18: the target was replaced while its hint was pending.
TEST_F(HintDeliveryTest, AHintForWhoIsNoOwnerAnyMoreGoesToAllOwners) {
  rig.Live({rig.target});
  Keep(kOne);
  const std::span<const MemberId> before = rig.ring->Owners(rig.key.partition);
  const std::vector<MemberId> stay(before.begin() + 1, before.end());
  rig.ring = Changed(rig.ring, [&](ClusterState* state) {
    state->owners[rig.key.partition.value()] = {stay[0], stay[1], MemberId(1)};
  });
  rig.keeper->UpdateRing(rig.ring);
  rig.delivery->UpdateRing(rig.ring);
  rig.loop.Pass(milliseconds(1));
  EXPECT_TRUE(Open(rig.target).empty());
  ASSERT_EQ(Open(stay[0]).size(), 1u);
  ASSERT_EQ(Open(stay[1]).size(), 1u);
  EXPECT_EQ(rig.local.merges, 1) << "this node is an owner now, too";
  Ack(stay[0]);
  EXPECT_EQ(rig.store.hints.size(), 1u) << "only when all have acknowledged";
  Refuse(stay[1], absl::UnavailableError("no connection"));
  EXPECT_EQ(rig.store.hints.size(), 1u);
  rig.loop.Pass(seconds(2));
  Ack(stay[0]);
  Ack(stay[1]);
  EXPECT_TRUE(rig.store.hints.empty());
  HintFigures figures;
  rig.delivery->AddTo(&figures);
  EXPECT_EQ(figures.redirected, 1u);
}

TEST_F(HintDeliveryTest, AHintForARemovedMemberGoesToAllOwners) {
  Keep(kOne);
  rig.ring = Changed(rig.ring, [&](ClusterState* state) {
    std::erase_if(state->members, [&](const Member& member) { return member.id == rig.target; });
    auto& owners = state->owners[rig.key.partition.value()];
    owners.erase(owners.begin());
  });
  rig.keeper->UpdateRing(rig.ring);
  rig.delivery->UpdateRing(rig.ring);
  rig.loop.Pass(seconds(1));
  const std::span<const MemberId> owners = rig.ring->Owners(rig.key.partition);
  ASSERT_EQ(owners.size(), 2u);
  Ack(owners[0]);
  Ack(owners[1]);
  EXPECT_TRUE(rig.store.hints.empty());
}

// P34.
TEST_F(HintDeliveryTest, HintsOfADroppedBucketAreDroppedAndSaid) {
  rig.Live({rig.target});
  Keep(kOne);
  rig.ring = Changed(rig.ring, [](ClusterState* state) { state->buckets.clear(); });
  rig.keeper->UpdateRing(rig.ring);
  rig.delivery->UpdateRing(rig.ring);
  rig.loop.Pass(milliseconds(1));
  EXPECT_TRUE(rig.store.hints.empty());
  EXPECT_EQ(rig.tracer.events["HintDropped"], 1);
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 0);
}

// H20: a process that starts with hints begins to deliver them by itself.
TEST_F(HintDeliveryTest, ARestartDeliversWhatItFinds) {
  rig.Live({rig.target});
  Keep(kOne);
  rig.Restart();
  rig.StartDelivery();
  rig.loop.Pass(seconds(1));
  ASSERT_EQ(Open(rig.target).size(), 1u);
  Ack(rig.target);
  EXPECT_TRUE(rig.store.hints.empty());
}

// H30: the budget is kept.
TEST(HintBudgetTest, DeliveryKeepsToTheBudget) {
  HintRig rig;
  rig.StartDelivery({.bytes_per_second_max = 2000, .burst = milliseconds(100)});
  const Object large = MakeObject({{1, 1, std::string(900, 'x')}});
  const auto owned = [&](PartitionId p) {
    return rig.ring->Owners(p)[0] == rig.target && !rig.ring->IsOwner(p, MemberId(1));
  };
  for (int i = 0, from = 0; i < 12; ++i) {
    const RecordKey key = rig.KeyWith(owned, from);
    from = std::stoi(key.key.substr(1)) + 1;
    ASSERT_TRUE(rig.StoreNow(rig.HintOf(large, key)).ok());
  }
  for (int step = 0; step < 30; ++step) {
    rig.loop.Pass(milliseconds(100));
    for (size_t open : rig.transport.Open<MergeRequest>(rig.target)) {
      rig.transport.Answer(open, PeerReply(MergeReply{}));
    }
  }
  // Three seconds, of which half a one to settle: five or six of about 1,000 bytes.
  EXPECT_GE(rig.transport.Count<MergeRequest>(), 4);
  EXPECT_LE(rig.transport.Count<MergeRequest>(), 8);
}

}  // namespace
}  // namespace henge::node_test
