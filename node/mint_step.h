// What every mint does, whatever it is based on: a replica's record or a keeper's hints (P2-P9).
//
// The caller runs on the shard's loop, and enqueues the local commit of the result in the same step (P6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "coordinator/local_replica.h"
#include "core/model/conflict.h"
#include "core/model/mint.h"
#include "core/runtime/random.h"
#include "node/stamp_source.h"

namespace henge {

// Begins a lifetime that this minter has not had just before (P3).
void DrawLifetime(Random& random, Minter* minter);

// The version that the command's op_id made before, or null if there is none or it is to be minted again.
const Sibling* FindFormerMint(const MintCommand& command, const Object& base);

// The checks that come before a mint and look at its base: an op_id that is used twice (P8), stamps (P9), caps (P38).
absl::Status CheckMutation(const MintCommand& command, const Object& base, ConflictPolicy conflict,
                           const StampSource& stamps, int64_t wall_ms);

struct MintedVersion {
  Minted version;
  std::string encoded;
  MintResult result;
};
// Mints the command's mutation, which it moves out. The checks have passed.
MintedVersion MintOver(Object base, const std::optional<Mark>& mark, ConflictPolicy conflict, int64_t wall_ms,
                       MintCommand* command, StampSource* stamps, Minter* minter);

// What is told of a version under `dot` of `object`.
MintResult MintResultOf(const Object& object, const Dot& dot, const Context& client, std::string encoded,
                        int64_t wall_ms);

}  // namespace henge
