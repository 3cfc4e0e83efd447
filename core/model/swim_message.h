// What the members tell each other about who is alive, and its bytes (docs/FORMAT.md, "Gossip").
//
// Values with a canonical encoding. Every message begins with a version byte: one of a later version is refused as a
// whole, since half-understood liveness is worse than none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/liveness.h"

namespace henge {

inline constexpr uint8_t kSwimMessageVersion = 1;

struct SwimUpdate {
  MemberId member;
  Liveness liveness = Liveness::kAlive;
  uint64_t incarnation = 0;
  MemberId accuser;     // kSuspect: who did not get an answer
  std::string address;  // kAlive: where the member's peers reach it; empty = as in the cluster state

  bool operator==(const SwimUpdate&) const = default;
};

enum class SwimKind : uint8_t {
  kPing = 1,      // answer, so that I know that you are there
  kPingReq = 2,   // ping `target` for me, and say whether it answered
  kGossip = 3,    // news; nothing follows from the answer
  kPushPull = 4,  // all that I know; answer with all that you know
};

// `updates[0]` of a call and of an answer is what the sender says of itself.
struct SwimCall {
  SwimKind kind = SwimKind::kPing;
  MemberId target;  // kPingReq
  std::vector<SwimUpdate> updates;

  bool operator==(const SwimCall&) const = default;
  std::string Encode() const;
  // INVALID_ARGUMENT for bytes that are no call; FAILED_PRECONDITION for a later version.
  static absl::StatusOr<SwimCall> Decode(std::string_view bytes);
};

struct SwimAnswer {
  bool reached = true;  // kPingReq: whether `target` answered
  std::vector<SwimUpdate> updates;

  bool operator==(const SwimAnswer&) const = default;
  std::string Encode() const;
  static absl::StatusOr<SwimAnswer> Decode(std::string_view bytes);
};

}  // namespace henge
