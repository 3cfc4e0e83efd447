// The Merkle tree of one partition: what two replicas compare instead of their records.
//
// Three levels: the root, 16 branches, 256 leaves, one for each segment. Each node is the XOR of the record hashes
// below it, so a write changes a leaf, a branch and the root by one delta, without reading another record. Order,
// batching and repetition of writes leave no trace: equal records, equal trees (H13). Pure values; no version of a
// record is judged here, only sameness.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/ids.h"

namespace henge {

inline constexpr int kTreeLeaves = 256;  // as many as segments (slot.h)
inline constexpr int kTreeBranches = 16;
inline constexpr int kLeavesOfBranch = kTreeLeaves / kTreeBranches;

// What two nodes must share before the trees of a partition may be compared (H27).
struct TreeParameters {
  // Of the record hash, the segment function and the shape of the tree together: a change of any is a new one.
  static constexpr uint32_t kHashVersion = 1;

  uint32_t hash_version = kHashVersion;
  uint32_t leaves = kTreeLeaves;
  uint32_t branches = kTreeBranches;
  ClusterId cluster;  // the key of the record hash
  LayoutEpoch epoch;  // of the partition: another epoch may have other owners

  auto operator<=>(const TreeParameters&) const = default;
};

// FAILED_PRECONDITION, naming the first parameter that differs, if trees of `theirs` can't be compared with ours.
absl::Status CheckComparable(const TreeParameters& ours, const TreeParameters& theirs);

// The hash of one record under the key of its cluster. `canonical` are its canonical bytes, context included, so that
// records that differ in their context only differ here too (H29). The hash of an absent record is 0.
uint64_t RecordHash(ClusterId cluster, BucketId bucket, std::string_view key, std::string_view canonical);

// What a write adds to its leaf by XOR, given the record hashes before and after it.
constexpr uint64_t LeafDelta(uint64_t before, uint64_t after) { return before ^ after; }

// One leaf of all trees: a partition and a segment of it.
struct LeafId {
  PartitionId partition;
  uint8_t segment = 0;

  auto operator<=>(const LeafId&) const = default;
};

class PartitionTree {
 public:
  PartitionTree() = default;
  explicit PartitionTree(const std::array<uint64_t, kTreeLeaves>& leaves);

  void Apply(uint8_t segment, uint64_t delta);

  uint64_t root() const { return root_; }
  uint64_t leaf(uint8_t segment) const { return leaves_[segment]; }
  const std::array<uint64_t, kTreeBranches>& branches() const { return branches_; }
  const std::array<uint64_t, kTreeLeaves>& leaves() const { return leaves_; }

  bool operator==(const PartitionTree&) const = default;

 private:
  std::array<uint64_t, kTreeLeaves> leaves_{};
  std::array<uint64_t, kTreeBranches> branches_{};
  uint64_t root_ = 0;
};

// Which branches differ from those of a peer, ascending. INVALID_ARGUMENT unless the peer sent all of them.
absl::StatusOr<std::vector<uint8_t>> DifferingBranches(const PartitionTree& ours,
                                                       const std::vector<uint64_t>& their_branches);

// Which segments differ, ascending, given the leaves that a peer sent for the branches in `asked`: those of the first
// one, then those of the next. INVALID_ARGUMENT if they are not as many, or `asked` names no branch, or one twice.
absl::StatusOr<std::vector<uint8_t>> DifferingSegments(const PartitionTree& ours, const std::vector<uint8_t>& asked,
                                                       const std::vector<uint64_t>& their_leaves);

}  // namespace henge
