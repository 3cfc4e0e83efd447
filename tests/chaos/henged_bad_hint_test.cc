// Hints that can't be kept, on real processes: for a member that was removed, and more than there is room for. Refused
// with a clear word, said in the log, counted in the status, and nothing is lost (P17, P18).
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/object_builder.h"
#include "core/model/slot.h"
#include "henge/admin.h"
#include "tests/chaos/refusal_trace.h"
#include "tests/chaos/rogue_peer.h"

namespace henge::chaos {
namespace {

using ::testing::HasSubstr;

uint64_t HintsPending(const v1::NodeStatusReply& status) {
  uint64_t hints = 0;
  for (const v1::PendingHints& pending : status.hints()) hints += pending.hints();
  return hints;
}

// A hint for `target` in the name of a coordinator.
v1::PeerCall HintCallFor(const Ring& ring, MemberId target, const std::string& key, const Object& object) {
  v1::PeerCall call;
  v1::WireKey* where = call.mutable_hint()->mutable_key();
  where->set_partition(PartitionOf(key).value());
  where->set_bucket(1);
  where->set_key(key);
  where->set_epoch(ring.Epoch(PartitionOf(key)).value());
  call.mutable_hint()->set_target(target.value());
  call.mutable_hint()->set_needed(2);
  call.mutable_hint()->set_object(object.Encode());
  return call;
}

// All owners of some keys are gone for ever and given up; what was written last to those keys is with the fallbacks
// alone, as hints for one of the owners (P18, P32).
class RemovedMemberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.StartAll());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(cluster_.AwaitState(i, 2));
    before_ = RingOf(cluster_, 0);
    const std::set<MemberId> lost = OwnersOf("k0");
    removed_ = *lost.begin();
    for (int i = 0; i < 5; ++i) {
      if (!lost.contains(MemberId(static_cast<uint32_t>(i + 1)))) survivors_.push_back(i);
    }
    ASSERT_EQ(survivors_.size(), 2u);
    Kill(removed_);
    for (int i = 0; keys_.size() < 5; ++i) {
      const std::string key = "k" + std::to_string(i);
      if (OwnersOf(key) != lost) continue;
      const auto put = cluster_.client(survivors_[0]).Put(key, "v", "", 3);
      ASSERT_TRUE(put.ok()) << put.status.error_message();
      ASSERT_EQ(put.reply.facts().fallbacks(), 1u);
      keys_.push_back(key);
    }
    for (MemberId owner : lost) Kill(owner);
    const auto done = RecoverCluster(cluster_.client_address(survivors_[0]),
                                     {HengedCluster::NameOf(survivors_[0]), HengedCluster::NameOf(survivors_[1])}, true,
                                     std::chrono::seconds(8));
    ASSERT_TRUE(done.ok()) << done.status();
    for (int i : survivors_) {
      ASSERT_TRUE(HengedCluster::AwaitTrue([&] {
        const v1::NodeStatusReply status = cluster_.client(i).Status();
        return status.cluster() == done->cluster && status.has_entropy() && HintsPending(status) == 0;
      })) << i;
      ASSERT_TRUE(cluster_.AwaitPeers(i, 1));
      ASSERT_TRUE(cluster_.AwaitWhole(i));
    }
  }
  std::set<MemberId> OwnersOf(const std::string& key) const {
    const auto owners = before_->Owners(PartitionOf(key));
    return {owners.begin(), owners.end()};
  }
  void Kill(MemberId member) { cluster_.process(static_cast<int>(member.value()) - 1).Kill(); }

  HengedCluster cluster_{5, RogueFlags()};
  RingPtr before_;
  MemberId removed_;
  std::vector<int> survivors_;
  std::vector<std::string> keys_;
};

TEST_F(RemovedMemberTest, P18HintsForItGoToTheOwnersOfToday) {
  uint64_t redirected = 0;
  for (int i : survivors_) {
    const uint64_t here = cluster_.client(i).Status().hints_redirected();
    redirected += here;
    if (here == 0) continue;
    ExpectTrace("hints for a removed member, kept before it was removed",
                {"(delivered to the owners of today)", AwaitLine(cluster_.process(i), "HintsForNoMember"), 0, here});
  }
  EXPECT_EQ(redirected, keys_.size());
  for (const std::string& key : keys_) {
    for (int i : survivors_) EXPECT_EQ(cluster_.client(i).Get(key, 2).reply.values_size(), 1) << key << " at " << i;
  }
}

TEST_F(RemovedMemberTest, P18AHintForItIsRefusedAndSoIsItself) {
  const int at = survivors_[0];
  cluster_.process(survivors_[1]).Kill();  // its name is free for the rogue
  std::unique_ptr<RogueCaller> rogue;
  v1::PeerAnswer answer;
  ASSERT_TRUE(HengedCluster::AwaitTrue([&] {
    rogue = std::make_unique<RogueCaller>(cluster_, at, static_cast<uint32_t>(survivors_[1] + 1));
    answer = rogue->Ask(HintCallFor(*rogue->ring, removed_, keys_[0], Object()));
    return answer.code() != RogueCaller::kStreamEnded;
  }));
  EXPECT_EQ(answer.code(), WireCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(answer.message(), HasSubstr("member " + std::to_string(removed_.value()) + " is not in the cluster"));
  const std::string line = AwaitLine(cluster_.process(at), "HintForNoMemberRefused");
  EXPECT_THAT(line, HasSubstr("peer=" + std::to_string(survivors_[1] + 1))) << "says by whom";
  EXPECT_EQ(cluster_.client(at).Status().hints_refused_member(), 1u);
  ExpectTrace("a hint for a removed member",
              {answer.message(), line, 0, cluster_.client(at).Status().hints_refused_member()});
  rogue.reset();

  const uint64_t before = cluster_.client(at).Status().foreign_peers_refused();
  RogueCaller ghost(cluster_, at, removed_.value());
  ghost.hello.set_cluster(before_->cluster().value());
  EXPECT_EQ(ghost.Gossip("").code(), RogueCaller::kStreamEnded);
  const grpc::Status given_up = ghost.End();
  EXPECT_EQ(given_up.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ExpectTrace("the removed member itself",
              {given_up.error_message(), AwaitLine(cluster_.process(at), "ForeignPeerRefused", "given up"), before,
               cluster_.client(at).Status().foreign_peers_refused()});
  ASSERT_TRUE(cluster_.Start(survivors_[1]));
  for (const std::string& key : keys_) {
    EXPECT_TRUE(HengedCluster::AwaitTrue([&] { return cluster_.client(at).Get(key, 2).reply.values_size() == 1; }))
        << key;
  }
}

// P17: while one owner is away and the fallbacks have room for a few hints only, writes go on, and all comes together.
TEST(BadPeer, P17AFullHintStoreLosesNothing) {
  std::vector<std::string> flags = RogueFlags();
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

// P17: who asks for as many copies as a full store can't add to is told so; what was acknowledged is there at the end.
TEST(BadPeer, P17AHintThatAFullStoreRefusesIsSaidAndCounted) {
  std::vector<std::string> flags = RogueFlags();
  flags.push_back("--hints-bytes-max=8KiB");
  HengedCluster cluster(4, flags);
  ASSERT_TRUE(cluster.StartAll());
  cluster.process(3).Kill();
  const RingPtr ring = RingOf(cluster, 0);
  const auto is_for_fourth = [&ring](const std::string& key) {  // and n1 is its fallback
    return ring->IsOwner(PartitionOf(key), MemberId(4)) && !ring->IsOwner(PartitionOf(key), MemberId(1));
  };
  std::vector<std::string> acked;
  std::vector<std::string> more;
  std::string refusal;
  for (int i = 0; more.size() < 5 && i < 2000; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (!is_for_fourth(key)) continue;
    const auto put = cluster.client(0).Put(key, std::string(500, 'v'), "", refusal.empty() ? 3 : 2);
    (refusal.empty() ? acked : more).push_back(key);
    if (put.ok()) continue;
    ASSERT_TRUE(refusal.empty()) << "two owners are there: " << put.status.error_message();
    EXPECT_EQ(put.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(put.status.error_message(), HasSubstr("of 3 needed copies are durable"));
    EXPECT_THAT(put.status.error_message(), HasSubstr("hints.bytes_max"));
    refusal = put.status.error_message();
    acked.pop_back();
  }
  ASSERT_FALSE(refusal.empty());
  EXPECT_GT(acked.size(), 3u);
  const std::string line = AwaitLine(cluster.process(0), "HintStoreFull");
  EXPECT_THAT(line, HasSubstr("raise hints.bytes_max"));
  uint64_t count = cluster.client(0).Status().hints_refused_full();
  ExpectTrace("a hint too many, to the client", {refusal, line, 0, count});
  {
    RogueCaller fourth(cluster, 0, 4);
    Object large;
    ObjectBuilder::Add(large, {.dot = {{StoreId(9), Lifetime(9), 1}, 1}, .value = std::string(9 << 10, 'v'), .hlc = 1});
    const v1::PeerAnswer answer = fourth.Ask(HintCallFor(*ring, MemberId(4), acked[0], large));
    EXPECT_EQ(answer.code(), WireCode(absl::StatusCode::kResourceExhausted));
    ExpectTrace("a hint too many, to a peer",
                {answer.message(), line, count, cluster.client(0).Status().hints_refused_full()});
  }
  const v1::NodeStatusReply full = cluster.client(0).Status();
  for (const v1::PendingHints& pending : full.hints()) EXPECT_LE(pending.bytes(), 8u << 10);
  acked.insert(acked.end(), more.begin(), more.end());
  for (const std::string& key : acked) EXPECT_EQ(cluster.client(1).Get(key, 2).reply.values_size(), 1) << key;
  ASSERT_TRUE(cluster.Start(3));
  ASSERT_TRUE(HengedCluster::AwaitTrue([&] { return HintsPending(cluster.client(0).Status()) == 0; }));
  for (const std::string& key : acked) {
    RawClient::Result got;
    EXPECT_TRUE(HengedCluster::AwaitTrue([&] {
      got = cluster.client(3).Get(key, 3);
      return got.reply.values_size() == 1;
    })) << key
        << ": " << got.status.error_message() << ", " << got.reply.values_size() << " values";
  }
}

}  // namespace
}  // namespace henge::chaos
