// What a keeper of dirty marks asks the owners of a partition, and what they answer (docs/FORMAT.md, "Leaves").
//
// Values with a canonical encoding, bodies of ControlKind::kLeaves. A keeper is no owner, so it takes no part in the
// comparisons of the owners: it only asks all of them for the hashes of some leaves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/merkle.h"
#include "storage/hint_store.h"

namespace henge {

inline constexpr uint8_t kLeafMessageVersion = 1;

struct LeafAsk {
  TreeParameters parameters;
  PartitionId partition;
  SegmentSet segments;

  bool operator==(const LeafAsk&) const = default;
  std::string Encode() const;
  // INVALID_ARGUMENT for bytes that are no ask; FAILED_PRECONDITION for a later version.
  static absl::StatusOr<LeafAsk> Decode(std::string_view bytes);
};

// The hashes of the segments that were asked for, ascending.
struct LeafAnswer {
  std::vector<uint64_t> hashes;

  bool operator==(const LeafAnswer&) const = default;
  std::string Encode() const;
  static absl::StatusOr<LeafAnswer> Decode(std::string_view bytes);
};

// The hashes of `segments` in `tree`, ascending.
std::vector<uint64_t> HashesOf(const PartitionTree& tree, const SegmentSet& segments);

}  // namespace henge
