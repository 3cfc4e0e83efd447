// Minting: how a replica makes a new version of a key (P2, P3, P4).
//
// Pure. The caller runs on the shard's loop, and enqueues the local commit of the result in the same step (P6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/model/conflict.h"
#include "core/model/ids.h"
#include "core/model/object.h"
#include "core/model/version_vector.h"

namespace henge {

// The local-only memory of a record's last own mint (P4). Written with the record; never sent, hashed or merged.
struct Mark {
  Lifetime lifetime;
  uint64_t epoch = 0;
  uint64_t counter = 0;

  constexpr auto operator<=>(const Mark&) const = default;
};

// Who mints, for one shard in one run. Owned by the shard; epochs are per key, so nothing is counted here but the
// highest epoch opened, which makes an epoch that no record of this lifetime carries one addition away.
struct Minter {
  StoreId store;
  Lifetime lifetime;
  uint64_t last_epoch = 0;
};

// What the client asked to write.
struct Mutation {
  bool tombstone = false;
  std::string value;
  int64_t expires_at_ms = 0;
  OpId op_id;
  uint64_t request_hash = 0;
};

struct Minted {
  Object object;  // base joined with the context, covered siblings removed, the new version added
  Mark mark;      // goes into the same WriteBatch as the object
  Dot dot;        // the new version's
};

// Mints a version of `mutation` over `base` (the newest local record, durable or not; empty if none) and its `mark`.
// `context` is what the client had seen. `hlc` stamps the version. Advances `minter` when an epoch is opened. Under
// kLastWriterWins `hlc` is above every stamp in `base`, and the new version alone stays (P9).
Minted MintVersion(Object base, const std::optional<Mark>& mark, const VersionVector& context, Mutation mutation,
                   uint64_t hlc, Minter* minter, ConflictPolicy conflict = ConflictPolicy::kSiblings);

}  // namespace henge
