// Single-decree Paxos, the side that asks: one ballot's way from prepare over accept to a decision.
//
// Pure. Its driver sends what the phase says to every voter, feeds each one's answer once, and obeys the verdict. An
// answer goes to the attempt whose message it answers, not to another one of the same ballot: a process that has
// started again may use a ballot of its last life. A value that a voter has accepted takes the place of the driver's
// own: that of the highest ballot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/model/ids.h"
#include "core/model/paxos_acceptor.h"

namespace henge {

// What a voter said. Of one that can't be reached, or whose vote doesn't count: kSilent.
struct PaxosAnswer {
  enum class Kind : uint8_t { kGranted, kRefused, kSilent };
  Kind kind = Kind::kSilent;
  Ballot promised;     // kRefused: what it has promised
  PaxosVote accepted;  // kGranted, of a prepare: what it had accepted
};

class PaxosProposer {
 public:
  // `quorum` of `voters` decide; any two quorums share a voter, so it is more than half.
  PaxosProposer(Ballot ballot, std::string value, std::vector<MemberId> voters, size_t quorum);

  enum class Phase : uint8_t {
    kPrepare,
    kAccept,
    kDecided,  // value() is the decision
    kLost,     // this ballot can't decide any more; a later one may, also what this one proposed
  };
  Phase phase() const { return phase_; }
  Ballot ballot() const { return ballot_; }
  // What is proposed: from kAccept on perhaps another's.
  const std::string& value() const { return value_; }

  // An answer to the message of `phase`. A second one of the same voter, and one of a phase that is over, say nothing.
  void OnAnswer(Phase phase, MemberId from, PaxosAnswer answer);

  // The highest round that a voter named: the next attempt's must be above it.
  uint64_t round_seen() const { return round_seen_; }
  // Who has not granted what the present phase asks, or asked when the ballot was lost.
  std::vector<MemberId> Missing() const;

 private:
  const Ballot ballot_;
  const std::vector<MemberId> voters_;
  const size_t quorum_;
  std::string value_;
  Ballot taken_over_;  // whose value value_ is; none = our own
  Phase phase_ = Phase::kPrepare;
  std::set<MemberId> granted_;
  std::set<MemberId> answered_;
  uint64_t round_seen_;
};

}  // namespace henge
