// What a failure detector is told and doesn't believe or understand, and what it hears of the peers' cluster states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node_gossip/gossip_rig.h"

namespace henge::gossip_test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

std::string Ping(std::vector<SwimUpdate> updates = {}) {
  return SwimCall{.kind = SwimKind::kPing, .target = {}, .updates = std::move(updates)}.Encode();
}

class GossipRefusals : public ::testing::Test {
 protected:
  GossipRefusals() { rig_.loop.Pass(seconds(5)); }

  absl::StatusCode CodeOf(const std::string& body) { return rig_.Ask(1, 2, body).status().code(); }

  GossipRig rig_{3};
};

TEST_F(GossipRefusals, BadMessagesAreAnsweredCountedAndChangeNothing) {
  std::string later_envelope = rig_.Sealed(Ping());
  later_envelope[0] = kGossipEnvelopeVersion + 1;
  std::string later_message = Ping({{.member = MemberId(3), .liveness = Liveness::kDead, .incarnation = 1}});
  later_message[0] = kSwimMessageVersion + 1;
  const auto heard = rig_.told(1).size();
  bool state_heard = false;
  rig_.gossip(1).OnState([&state_heard](MemberId, StateVersion, uint64_t) { state_heard = true; });

  EXPECT_EQ(CodeOf(""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("\x01garbage"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(rig_.Sealed("")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(rig_.Sealed(Ping() + "x")), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(later_envelope), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(rig_.Sealed(later_message)), absl::StatusCode::kFailedPrecondition);

  EXPECT_EQ(rig_.gossip(1).figures().bad_messages, 6u);
  EXPECT_EQ(rig_.tracer(1).events["GossipRefused"], 6) << "each reason is said";
  EXPECT_EQ(CodeOf(""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(rig_.gossip(1).figures().bad_messages, 7u);
  EXPECT_EQ(rig_.tracer(1).events["GossipRefused"], 6) << "once, and counted each time";
  EXPECT_EQ(rig_.told(1).size(), heard);
  EXPECT_FALSE(state_heard);
  rig_.loop.Pass(seconds(61));
  EXPECT_EQ(CodeOf(""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(rig_.tracer(1).events["GossipRefused"], 7);
}

// H38
TEST_F(GossipRefusals, H38_AnotherClustersMessageIsRefused) {
  const GossipEnvelope stranger{ClusterId(7), StateVersion(1), 1,
                                Ping({{.member = MemberId(3), .liveness = Liveness::kDead, .incarnation = 1}})};
  const absl::Status refused = rig_.Ask(1, 2, stranger.Encode()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("check the addresses"));
  EXPECT_EQ(rig_.View(1, 3), Liveness::kAlive);
  EXPECT_EQ(rig_.gossip(1).figures().bad_messages, 1u);
  EXPECT_EQ(rig_.tracer(1).events["ClusterStateDiffers"], 0);
}

TEST_F(GossipRefusals, AForgedIncarnationIsCountedAndNotBelieved) {
  for (uint64_t incarnation : {kIncarnationMax, UINT64_MAX, uint64_t{1} << 30}) {
    EXPECT_TRUE(
        rig_.Ask(1, 2,
                 rig_.Sealed(Ping({{.member = MemberId(3), .liveness = Liveness::kDead, .incarnation = incarnation}})))
            .ok());
  }
  EXPECT_EQ(rig_.gossip(1).figures().forged, 3u);
  EXPECT_EQ(rig_.tracer(1).events["ForgedIncarnation"], 1);
  EXPECT_EQ(rig_.View(1, 3), Liveness::kAlive);
  rig_.loop.Pass(seconds(10));
  EXPECT_EQ(rig_.View(1, 3), Liveness::kAlive);
}

// A forged incarnation of this node itself: it jumps above and stays alive to the others.
TEST_F(GossipRefusals, AForgedIncarnationOfOnesOwnIsExceeded) {
  const uint64_t forged = uint64_t{1} << 30;
  EXPECT_TRUE(
      rig_.Ask(1, 2, rig_.Sealed(Ping({{.member = MemberId(1), .liveness = Liveness::kDead, .incarnation = forged}})))
          .ok());
  rig_.loop.Pass(seconds(10));
  EXPECT_GT(rig_.Incarnation(1, 1), forged);
  for (int i : {2, 3}) {
    EXPECT_EQ(rig_.View(i, 1), Liveness::kAlive);
    EXPECT_EQ(rig_.Incarnation(i, 1), rig_.Incarnation(1, 1));
  }
}

// Somebody speaks in the name of another, at the last incarnation, and then of its death: it can't say more, and is
// alive again all the same.
TEST_F(GossipRefusals, ASpoofedLastIncarnationKeepsNobodyDead) {
  const uint64_t last = kIncarnationMax - 1;
  for (int at : {1, 2}) {
    EXPECT_TRUE(rig_.Ask(at, 3, rig_.Sealed(Ping({{.member = MemberId(3), .incarnation = last}}))).ok());
    EXPECT_TRUE(rig_.Ask(at, at == 1 ? 2 : 1,
                         rig_.Sealed(Ping({{.member = MemberId(3), .liveness = Liveness::kDead, .incarnation = last}})))
                    .ok());
    EXPECT_EQ(rig_.View(at, 3), Liveness::kDead);
  }
  rig_.loop.Pass(seconds(40));
  for (int at : {1, 2}) {
    EXPECT_EQ(rig_.View(at, 3), Liveness::kAlive) << at;
    EXPECT_LT(rig_.Incarnation(at, 3), kIncarnationJumpMax);
  }
  EXPECT_EQ(rig_.View(3, 3), Liveness::kAlive);
  EXPECT_GT(rig_.gossip(3).figures().forged, 0u) << "it was told, and has counted it";
}

TEST_F(GossipRefusals, NewsOfWhoIsNoMemberAreIgnored) {
  EXPECT_TRUE(rig_.Ask(1, 2, rig_.Sealed(Ping({{.member = MemberId(9), .incarnation = 4}}))).ok());
  EXPECT_EQ(rig_.gossip(1).liveness()->entries().size(), 3u);
}

// A peer that doesn't understand is there all the same.
TEST_F(GossipRefusals, APeerOfAnotherVersionIsAlive) {
  for (const absl::Status& refusal : {absl::FailedPreconditionError("later"), absl::UnimplementedError("what?"),
                                      absl::InvalidArgumentError("garbage")}) {
    rig_.refusal = refusal;
    rig_.loop.Pass(seconds(30));
    EXPECT_EQ(rig_.View(1, 2), Liveness::kAlive) << refusal;
  }
  EXPECT_GT(rig_.gossip(1).figures().bad_messages, 0u);
  rig_.refusal = absl::UnavailableError("gone");
  rig_.loop.Pass(seconds(30));
  EXPECT_EQ(rig_.View(1, 2), Liveness::kDead);
}

// P30
TEST_F(GossipRefusals, P30_ADifferentStateOfOneVersionIsAlarmedOncePerPeer) {
  GossipEnvelope other{rig_.ring->cluster(), rig_.ring->version(), rig_.ring->digest() + 1, Ping()};
  for (int repeat = 0; repeat < 3; ++repeat) EXPECT_TRUE(rig_.Ask(1, 2, other.Encode()).ok());
  EXPECT_EQ(rig_.tracer(1).events["ClusterStateDiffers"], 1);
  EXPECT_TRUE(rig_.Ask(1, 3, other.Encode()).ok());
  EXPECT_EQ(rig_.tracer(1).events["ClusterStateDiffers"], 2);
  other.version = StateVersion(rig_.ring->version().value() + 1);
  EXPECT_TRUE(rig_.Ask(2, 3, other.Encode()).ok());
  EXPECT_EQ(rig_.tracer(2).events["ClusterStateDiffers"], 0);
}

TEST_F(GossipRefusals, EveryCallAndEveryAnswerTellsThePeersState) {
  std::map<uint32_t, int> heard;
  rig_.gossip(1).OnState([&](MemberId from, StateVersion version, uint64_t digest) {
    EXPECT_EQ(version, rig_.ring->version());
    EXPECT_EQ(digest, rig_.ring->digest());
    ++heard[from.value()];
  });
  rig_.loop.Pass(seconds(10));
  EXPECT_GE(heard[2], 5);
  EXPECT_GE(heard[3], 5);
  GossipEnvelope newer{rig_.ring->cluster(), StateVersion(9), 5, Ping()};
  std::pair<uint64_t, uint64_t> last;
  rig_.gossip(1).OnState([&last](MemberId, StateVersion version, uint64_t digest) {
    last = {version.value(), digest};
  });
  EXPECT_TRUE(rig_.Ask(1, 2, newer.Encode()).ok());
  EXPECT_EQ(last, std::pair(uint64_t{9}, uint64_t{5}));
}

}  // namespace
}  // namespace henge::gossip_test
