// What an operator asks to be done to a bucket, as it comes over the wire: words and numbers that nobody has checked.
//
// Pure. Becomes a change of the cluster state, which its keeper proposes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "node/state/state_change.h"

namespace henge {

struct BucketOrder {
  enum class Action : uint8_t { kCreate, kSet, kDrop };
  Action action = Action::kCreate;
  std::string name;
  std::string conflict;  // kCreate; empty = siblings
  std::optional<uint32_t> read_quorum;
  std::optional<uint32_t> write_quorum;
  std::string mode;        // empty = as it is
  std::string durability;  // empty = as it is
  std::optional<uint64_t> ttl_ms;
};

// INVALID_ARGUMENT for a word that isn't known, or a conflict policy for a bucket that has one.
absl::StatusOr<StateChange> ChangeOf(const BucketOrder& order);

}  // namespace henge
