#include "core/model/paxos_proposer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace henge {
namespace {

using ::testing::ElementsAre;
using Phase = PaxosProposer::Phase;
using Kind = PaxosAnswer::Kind;

Ballot At(uint64_t round, uint32_t member) { return {round, MemberId(member)}; }
PaxosAnswer Yes() { return {.kind = Kind::kGranted}; }
PaxosAnswer YesHaving(Ballot ballot, std::string value) {
  return {.kind = Kind::kGranted, .accepted = {ballot, std::move(value)}};
}
PaxosAnswer No(Ballot promised) { return {.kind = Kind::kRefused, .promised = promised}; }

class PaxosProposerTest : public ::testing::Test {
 protected:
  void Prepared(uint32_t from, PaxosAnswer answer) {
    proposer_.OnAnswer(Phase::kPrepare, MemberId(from), std::move(answer));
  }
  void Accepted(uint32_t from, PaxosAnswer answer) {
    proposer_.OnAnswer(Phase::kAccept, MemberId(from), std::move(answer));
  }
  PaxosProposer proposer_{At(3, 1), "own", {MemberId(1), MemberId(2), MemberId(3)}, 2};
};

TEST_F(PaxosProposerTest, DecidesItsOwnValueWithAQuorumOfBothPhases) {
  Prepared(1, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kPrepare);
  Prepared(1, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kPrepare) << "a second answer of one voter is no second vote";
  Prepared(7, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kPrepare) << "nobody's vote";
  Prepared(3, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kAccept);
  Prepared(2, YesHaving(At(2, 2), "late"));
  EXPECT_EQ(proposer_.value(), "own") << "the phase was over";
  Accepted(2, Yes());
  EXPECT_THAT(proposer_.Missing(), ElementsAre(MemberId(1), MemberId(3)));
  Accepted(1, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kDecided);
}

TEST_F(PaxosProposerTest, P31TakesOverTheValueOfTheHighestBallot) {
  Prepared(1, YesHaving(At(1, 2), "older"));
  Prepared(2, YesHaving(At(2, 3), "newer"));
  EXPECT_EQ(proposer_.value(), "newer");
  EXPECT_EQ(proposer_.phase(), Phase::kAccept);
}

TEST_F(PaxosProposerTest, IsLostOnceAQuorumCanNotBe) {
  Prepared(1, Yes());
  Prepared(2, No(At(9, 2)));
  EXPECT_EQ(proposer_.phase(), Phase::kPrepare);
  Prepared(3, {});
  EXPECT_EQ(proposer_.phase(), Phase::kLost);
  EXPECT_EQ(proposer_.round_seen(), 9u);
  EXPECT_THAT(proposer_.Missing(), ElementsAre(MemberId(2), MemberId(3)));
  Prepared(3, Yes());
  EXPECT_EQ(proposer_.phase(), Phase::kLost);
}

TEST(PaxosProposerAllTest, P31ABindingNeedsEveryMember) {
  PaxosProposer proposer(At(1, 1), "binding", {MemberId(1), MemberId(2)}, 2);
  proposer.OnAnswer(Phase::kPrepare, MemberId(1), Yes());
  EXPECT_EQ(proposer.phase(), Phase::kPrepare);
  proposer.OnAnswer(Phase::kPrepare, MemberId(2), {});
  EXPECT_EQ(proposer.phase(), Phase::kLost);
}

}  // namespace
}  // namespace henge
