// The changes that an operator makes to the buckets of a cluster, as functions from one cluster state to the next.
//
// Pure. The keeper of the cluster state proposes the result as the next version; a proposal that lost is made anew from
// the state that won, so that each call sees what it really changes. The version is the keeper's to raise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/bucket.h"
#include "core/model/cluster_state.h"

namespace henge {

// Absent = as it is, or the default of a new bucket.
struct BucketSettings {
  std::optional<uint32_t> read_quorum;   // 0 = a majority
  std::optional<uint32_t> write_quorum;  // 0 = a majority
  std::optional<BucketMode> mode;
  std::optional<Durability> durability;
  std::optional<uint64_t> ttl_ms;  // 0 = none
};

// Adds a bucket under an id that none ever had (P34). ALREADY_EXISTS: there is one of this name; INVALID_ARGUMENT: the
// name, a quorum above N, the TTL; RESOURCE_EXHAUSTED: too many buckets.
absl::StatusOr<ClusterState> CreateBucket(const ClusterState& state, std::string_view name, ConflictPolicy conflict,
                                          const BucketSettings& settings);

// Changes what `settings` name; the conflict policy can't be. NOT_FOUND; INVALID_ARGUMENT also if nothing is named.
absl::StatusOr<ClusterState> SetBucket(const ClusterState& state, std::string_view name,
                                       const BucketSettings& settings);

// Removes the bucket: its records are no longer readable, and its id never comes back. NOT_FOUND;
// FAILED_PRECONDITION for "default", which clients that name no bucket use.
absl::StatusOr<ClusterState> DropBucket(const ClusterState& state, std::string_view name);

// The NOT_FOUND of the above, naming the nearest bucket.
absl::Status NoSuchBucket(const ClusterState& state, std::string_view name);

// Words of the wire and of the command line: "siblings", "lww"; "sloppy", "strict"; "fsync". INVALID_ARGUMENT lists
// them; "relaxed" is told that it is not served.
const char* NameOf(ConflictPolicy conflict);
const char* NameOf(BucketMode mode);
const char* NameOf(Durability durability);
absl::StatusOr<ConflictPolicy> ParseConflict(std::string_view word);
absl::StatusOr<BucketMode> ParseBucketMode(std::string_view word);
absl::StatusOr<Durability> ParseDurability(std::string_view word);

}  // namespace henge
