// Single-decree Paxos, the side that votes: what one member has promised and accepted for one version of the cluster
// state (P31).
//
// Pure. A vote may be told to others only once the state that it left is durable: Encode() is what to keep. Its owner
// makes a new acceptor for each version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"

namespace henge {

// One attempt to decide. Members never share one; of two, the greater goes first.
struct Ballot {
  uint64_t round = 0;  // from 1; 0 = none
  MemberId member;     // whose attempt it is

  constexpr bool IsNone() const { return round == 0; }
  constexpr auto operator<=>(const Ballot&) const = default;
};

// What a member accepted last; no ballot = nothing yet.
struct PaxosVote {
  Ballot ballot;
  std::string value;

  bool operator==(const PaxosVote&) const = default;
};

class PaxosAcceptor {
 public:
  PaxosAcceptor() = default;

  // Whether it now promises to accept nothing below `ballot`. Only a ballot above all that it has seen: so the same
  // ballot, asked for twice by a proposer that has forgotten the first time, never gets two quorums.
  bool Prepare(Ballot ballot);
  // Whether it accepts `value`: not if it has promised a higher ballot.
  bool Accept(Ballot ballot, std::string value);

  Ballot promised() const { return promised_; }
  const PaxosVote& accepted() const { return accepted_; }
  bool operator==(const PaxosAcceptor&) const = default;

  // docs/FORMAT.md, "Votes". The version is that which is voted on. DATA_LOSS for bytes that no encoder wrote.
  std::string Encode(StateVersion version) const;
  struct Stored;
  static absl::StatusOr<Stored> Decode(std::string_view bytes);

 private:
  Ballot promised_;
  PaxosVote accepted_;  // its ballot is at most promised_
};

struct PaxosAcceptor::Stored {
  StateVersion version;
  PaxosAcceptor acceptor;
};

}  // namespace henge
