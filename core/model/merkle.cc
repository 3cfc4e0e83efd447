#include "core/model/merkle.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"

namespace henge {
namespace {

constexpr uint64_t kTreeSeed = 0x74726565'00000000;  // "tree", then the bucket id

constexpr char kUpgrade[] = "run versions that fit together; until then reads repair what they meet";
constexpr char kCheckAddresses[] = "check the addresses of the members";
constexpr char kCatchUp[] = "the nodes go by different cluster states, and compare once they have the same";

template <class Value>
absl::Status Mismatch(const char* what, const Value& ours, const Value& theirs, const char* advice) {
  return absl::FailedPreconditionError(absl::StrCat("the trees can't be compared: ", what, " is ", theirs,
                                                    " at the peer and ", ours, " here: ", advice));
}

std::string HexOf(uint64_t number) { return absl::StrCat(absl::Hex(number, absl::kZeroPad16)); }

}  // namespace

absl::Status CheckComparable(const TreeParameters& ours, const TreeParameters& theirs) {
  if (ours.hash_version != theirs.hash_version) {
    return Mismatch("the version of the record hash", ours.hash_version, theirs.hash_version, kUpgrade);
  }
  if (ours.leaves != theirs.leaves) return Mismatch("the number of leaves", ours.leaves, theirs.leaves, kUpgrade);
  if (ours.branches != theirs.branches) {
    return Mismatch("the number of branches", ours.branches, theirs.branches, kUpgrade);
  }
  if (ours.cluster != theirs.cluster) {
    return Mismatch("the cluster id", HexOf(ours.cluster.value()), HexOf(theirs.cluster.value()), kCheckAddresses);
  }
  if (ours.epoch != theirs.epoch) {
    return Mismatch("the layout epoch", HexOf(ours.epoch.value()), HexOf(theirs.epoch.value()), kCatchUp);
  }
  return absl::OkStatus();
}

// Chained by seeds, so that no byte can pass from the key to the record and leave the hash as it was.
uint64_t RecordHash(ClusterId cluster, BucketId bucket, std::string_view key, std::string_view canonical) {
  if (canonical.empty()) return 0;
  const uint64_t seed = (kTreeSeed | bucket.value()) ^ cluster.value();
  const uint64_t hash = Hash64(canonical, Hash64(key, seed));
  return hash != 0 ? hash : 1;  // 0 says "absent"
}

PartitionTree::PartitionTree(const std::array<uint64_t, kTreeLeaves>& leaves) {
  for (int segment = 0; segment < kTreeLeaves; ++segment) Apply(static_cast<uint8_t>(segment), leaves[segment]);
}

void PartitionTree::Apply(uint8_t segment, uint64_t delta) {
  leaves_[segment] ^= delta;
  branches_[segment / kLeavesOfBranch] ^= delta;
  root_ ^= delta;
}

absl::StatusOr<std::vector<uint8_t>> DifferingBranches(const PartitionTree& ours,
                                                       const std::vector<uint64_t>& their_branches) {
  if (their_branches.size() != kTreeBranches) {
    return absl::InvalidArgumentError(
        absl::StrCat("the peer sent ", their_branches.size(), " branches of a tree that has ", kTreeBranches));
  }
  std::vector<uint8_t> differing;
  for (int branch = 0; branch < kTreeBranches; ++branch) {
    if (ours.branches()[branch] != their_branches[branch]) differing.push_back(static_cast<uint8_t>(branch));
  }
  return differing;
}

absl::StatusOr<std::vector<uint8_t>> DifferingSegments(const PartitionTree& ours, const std::vector<uint8_t>& asked,
                                                       const std::vector<uint64_t>& their_leaves) {
  for (size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] >= kTreeBranches || (i > 0 && asked[i - 1] >= asked[i])) {
      return absl::InvalidArgumentError("the branches asked for are not distinct, ascending and of the tree");
    }
  }
  if (their_leaves.size() != asked.size() * kLeavesOfBranch) {
    return absl::InvalidArgumentError(absl::StrCat("the peer sent ", their_leaves.size(), " leaves for ", asked.size(),
                                                   " branches of ", kLeavesOfBranch));
  }
  std::vector<uint8_t> differing;
  for (size_t i = 0; i < their_leaves.size(); ++i) {
    const auto segment = static_cast<uint8_t>(asked[i / kLeavesOfBranch] * kLeavesOfBranch + i % kLeavesOfBranch);
    if (ours.leaf(segment) != their_leaves[i]) differing.push_back(segment);
  }
  return differing;
}

}  // namespace henge
