// What the keepers of the cluster state say to each other, and its bytes (docs/FORMAT.md, "Agreement").
//
// Values with a canonical encoding, bodies of ControlKind::kState. Each names its sender's newest state; a prepare or
// an accept is about the version after that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/paxos_acceptor.h"

namespace henge {

inline constexpr uint8_t kStateMessageVersion = 1;
// More than the greatest cluster state takes.
inline constexpr size_t kStateBytesMax = size_t{16} << 20;

// Who one is, and what one knows: in every message.
struct StateSender {
  ClusterId cluster;
  StoreId store;
  StateVersion version;
  uint64_t digest = 0;

  bool operator==(const StateSender&) const = default;
};

enum class StateAsk : uint8_t {
  kFetch = 1,    // give me your newest state if it is newer than mine
  kPrepare = 2,  // promise `ballot`
  kAccept = 3,   // accept `value`, an encoded state, under `ballot`
  kLearn = 4,    // `value` is decided
};

struct StateCall {
  StateAsk ask = StateAsk::kFetch;
  StateSender sender;
  Ballot ballot;
  std::string value;

  bool operator==(const StateCall&) const = default;
  std::string Encode() const;
  // INVALID_ARGUMENT for bytes that are no call; FAILED_PRECONDITION for a later version.
  static absl::StatusOr<StateCall> Decode(std::string_view bytes);
};

enum class StateVerdict : uint8_t {
  kNothing = 1,  // fetch, learn: the answerer has nothing newer than the caller
  kNewer = 2,    // any: `value` is the answerer's newest state, which the caller doesn't know
  kBehind = 3,   // prepare, accept: the answerer doesn't know the caller's newest state
  kGranted = 4,  // of a prepare with what the answerer had accepted: `accepted` and `value`
  kRefused = 5,  // it has promised `promised`
};

struct StateAnswer {
  StateVerdict verdict = StateVerdict::kNothing;
  StateSender sender;
  Ballot promised;
  Ballot accepted;
  std::string value;

  bool operator==(const StateAnswer&) const = default;
  std::string Encode() const;
  static absl::StatusOr<StateAnswer> Decode(std::string_view bytes);
};

}  // namespace henge
