// What surrounds every gossip message: whose it is, and which cluster state the sender has (docs/FORMAT.md, "Gossip").
//
// A value. So each probe also tells whether somebody has a newer state, at the price of a few bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"

namespace henge {

inline constexpr uint8_t kGossipEnvelopeVersion = 1;

struct GossipEnvelope {
  ClusterId cluster;
  StateVersion version;  // of the sender's cluster state
  uint64_t digest = 0;   // of that state: equal versions with different digests are a split (P30)
  std::string message;   // a SwimCall or a SwimAnswer, encoded

  bool operator==(const GossipEnvelope&) const = default;
  std::string Encode() const;
  // INVALID_ARGUMENT for bytes that are no envelope; FAILED_PRECONDITION for a later version.
  static absl::StatusOr<GossipEnvelope> Decode(std::string_view bytes);
};

}  // namespace henge
