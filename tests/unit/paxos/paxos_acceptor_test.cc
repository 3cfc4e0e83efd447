#include "core/model/paxos_acceptor.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

Ballot Numbered(uint64_t round, uint32_t member) { return {round, MemberId(member)}; }

TEST(PaxosAcceptorTest, P31PromisesOnlyWhatIsAboveAllThatItSaw) {
  PaxosAcceptor acceptor;
  EXPECT_FALSE(acceptor.Prepare(Ballot()));
  EXPECT_TRUE(acceptor.Prepare(Numbered(2, 1)));
  EXPECT_FALSE(acceptor.Prepare(Numbered(2, 1))) << "a ballot is asked for once, or by one who has forgotten";
  EXPECT_FALSE(acceptor.Prepare(Numbered(1, 9)));
  EXPECT_TRUE(acceptor.Prepare(Numbered(2, 2))) << "of one round, the greater member goes first";
  EXPECT_EQ(acceptor.promised(), Numbered(2, 2));
  EXPECT_TRUE(acceptor.accepted().ballot.IsNone());
}

TEST(PaxosAcceptorTest, P31AcceptsNothingBelowItsPromise) {
  PaxosAcceptor acceptor;
  EXPECT_FALSE(acceptor.Accept(Ballot(), "none"));
  ASSERT_TRUE(acceptor.Prepare(Numbered(5, 1)));
  EXPECT_FALSE(acceptor.Accept(Numbered(4, 9), "old"));
  EXPECT_TRUE(acceptor.Accept(Numbered(5, 1), "a"));
  EXPECT_TRUE(acceptor.Accept(Numbered(6, 3), "b"))
      << "without a promise of its own: it is above the one that was given";
  EXPECT_EQ(acceptor.accepted(), (PaxosVote{Numbered(6, 3), "b"}));
  EXPECT_EQ(acceptor.promised(), Numbered(6, 3));
  EXPECT_FALSE(acceptor.Accept(Numbered(5, 1), "a")) << "a message that was sent twice";
}

TEST(PaxosAcceptorTest, ItsNoteComesBackAndNoOther) {
  PaxosAcceptor acceptor;
  ASSERT_TRUE(acceptor.Accept(Numbered(6, 3), "value"));
  ASSERT_TRUE(acceptor.Prepare(Numbered(300, 2)));
  const std::string bytes = acceptor.Encode(StateVersion(7));
  const auto stored = PaxosAcceptor::Decode(bytes);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->version, StateVersion(7));
  EXPECT_EQ(stored->acceptor, acceptor);
  EXPECT_EQ(PaxosAcceptor::Decode(PaxosAcceptor().Encode(StateVersion(2)))->acceptor, PaxosAcceptor());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(PaxosAcceptor::Decode(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_FALSE(PaxosAcceptor::Decode(bytes + "x").ok());
  EXPECT_FALSE(PaxosAcceptor::Decode(std::string("\x02\x01\x00\x00\x00\x00\x00", 7)).ok()) << "a later format";
  EXPECT_FALSE(PaxosAcceptor::Decode(std::string("\x01\x01\x01\x01\x02\x01\x00", 7)).ok()) << "accepted, not promised";
  EXPECT_FALSE(PaxosAcceptor::Decode(std::string("\x01\x01\x01\x00\x00\x00\x00", 7)).ok()) << "a ballot of nobody";
  EXPECT_FALSE(PaxosAcceptor::Decode(std::string("\x01\x01\x00\x00\x00\x00\x01z", 8)).ok()) << "a value of no ballot";
}

}  // namespace
}  // namespace henge
