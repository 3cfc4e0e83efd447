#include "core/model/paxos_proposer.h"

#include <algorithm>
#include <utility>

namespace henge {

PaxosProposer::PaxosProposer(Ballot ballot, std::string value, std::vector<MemberId> voters, size_t quorum)
    : ballot_(ballot),
      voters_(std::move(voters)),
      quorum_(quorum),
      value_(std::move(value)),
      round_seen_(ballot.round) {}

void PaxosProposer::OnAnswer(Phase phase, MemberId from, PaxosAnswer answer) {
  round_seen_ = std::max(round_seen_, answer.promised.round);
  const bool voter = std::find(voters_.begin(), voters_.end(), from) != voters_.end();
  if (phase != phase_ || phase_ == Phase::kDecided || phase_ == Phase::kLost || !voter) return;
  if (!answered_.insert(from).second) return;
  if (answer.kind == PaxosAnswer::Kind::kGranted) {
    granted_.insert(from);
    if (phase_ == Phase::kPrepare && answer.accepted.ballot > taken_over_) {
      taken_over_ = answer.accepted.ballot;
      value_ = std::move(answer.accepted.value);
    }
  }
  if (granted_.size() >= quorum_) {
    if (phase_ == Phase::kPrepare) {
      phase_ = Phase::kAccept;
      granted_.clear();
      answered_.clear();
    } else {
      phase_ = Phase::kDecided;
    }
  } else if (granted_.size() + voters_.size() - answered_.size() < quorum_) {
    phase_ = Phase::kLost;
  }
}

std::vector<MemberId> PaxosProposer::Missing() const {
  std::vector<MemberId> missing;
  for (MemberId voter : voters_) {
    if (!granted_.contains(voter)) missing.push_back(voter);
  }
  return missing;
}

}  // namespace henge
