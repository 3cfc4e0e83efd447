// A bucket: a namespace of keys with one conflict policy and its own defaults, as the cluster state lists it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/model/conflict.h"
#include "core/model/ids.h"
#include "core/model/limits.h"
#include "core/model/wire.h"

namespace henge {

enum class BucketMode : uint8_t { kSloppy = 0, kStrict = 1 };

// What an acknowledgement stands on. Only fsync so far: the byte is there so that a lossy one can be told by its name.
enum class Durability : uint8_t { kFsync = 0 };

struct Bucket {
  BucketId id;
  std::string name;
  ConflictPolicy conflict = ConflictPolicy::kSiblings;  // never changes (P34)
  uint32_t read_quorum = 0;                             // of a request that names none; 0 = a majority
  uint32_t write_quorum = 0;
  BucketMode mode = BucketMode::kSloppy;  // strict: every request of the bucket is
  Durability durability = Durability::kFsync;
  uint64_t ttl_ms = 0;  // of a put that names no expiry, made absolute when it is minted; 0 = none

  bool operator==(const Bucket&) const = default;
};

inline constexpr uint64_t kBucketTtlMsMax = uint64_t{100} * 365 * 86'400'000;  // a hundred years

// INVALID_ARGUMENT unless `name` is 1 to kBucketNameBytesMax letters, digits, '-', '_' and '.', the first one a letter
// or a digit.
absl::Status CheckBucketName(std::string_view name);

// docs/FORMAT.md, "Cluster state". Reading fails `in` on what no EncodeBuckets wrote for `replicas` and `next_id`.
void EncodeBuckets(const std::vector<Bucket>& buckets, ByteWriter* out);
std::vector<Bucket> DecodeBuckets(ByteReader* in, uint32_t replicas, BucketId next_id);

}  // namespace henge
