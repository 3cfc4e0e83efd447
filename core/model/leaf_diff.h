// What two replicas hold of one segment, compared record by record.
//
// Pure. A difference has no direction here: the hash of a record says that it is another, not that it is older. Both
// sides send theirs, and Merge decides (P1, H25).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/ids.h"

namespace henge {

// One record of a segment, as a scan lists it.
struct LeafRecord {
  BucketId bucket;
  std::string key;
  uint64_t hash = 0;  // RecordHash() of merkle.h

  auto operator<=>(const LeafRecord&) const = default;
};

struct LeafDiff {
  std::vector<LeafRecord> only_ours;    // the peer lacks them: send
  std::vector<LeafRecord> only_theirs;  // we lack them: fetch
  std::vector<LeafRecord> differing;    // both have one; as ours: send, and fetch theirs

  bool empty() const { return only_ours.empty() && only_theirs.empty() && differing.empty(); }
};

// Both lists are in storage order: by bucket id, then by key. INVALID_ARGUMENT if the peer's isn't, or names a record
// twice, or one without a hash.
absl::StatusOr<LeafDiff> CompareLeaf(const std::vector<LeafRecord>& ours, const std::vector<LeafRecord>& theirs);

}  // namespace henge
