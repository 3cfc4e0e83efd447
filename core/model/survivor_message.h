// What members say to each other when the survivors of a lost majority make a new cluster (P32; docs/FORMAT.md,
// "Recovery of a lost majority").
//
// Values with a canonical encoding, bodies of ControlKind::kRecover. A call is a StateCall: kFetch asks for a member's
// word, kPrepare and kAccept for its vote on a new cluster state, and kLearn says that all have accepted it. The answer
// is always the member's whole word, whatever it voted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/paxos_acceptor.h"
#include "core/model/state_message.h"

namespace henge {

inline constexpr uint8_t kSurvivorMessageVersion = 1;

enum class SurvivorVerdict : uint8_t {
  kTold = 1,     // the answer to a question
  kGranted = 2,  // promised, accepted or taken over, durably
  kRefused = 3,  // it has promised `promised`, or its state is not the caller's
};

struct SurvivorAnswer {
  SurvivorVerdict verdict = SurvivorVerdict::kTold;
  StateSender sender;  // the answerer, and its newest decided state
  PaxosVote vote;      // what it has accepted as the version after that, in the old cluster
  Ballot promised;     // of the recovery
  // The new cluster's state that it has accepted, because of which it votes on none of the old one; none if the old
  // cluster has decided something since.
  PaxosVote recovery;

  bool operator==(const SurvivorAnswer&) const = default;
  std::string Encode() const;
  // INVALID_ARGUMENT for bytes that are no answer; FAILED_PRECONDITION for a later version.
  static absl::StatusOr<SurvivorAnswer> Decode(std::string_view bytes);
};

// Who answered, and what.
using SurvivorWords = std::map<MemberId, SurvivorAnswer>;

}  // namespace henge
