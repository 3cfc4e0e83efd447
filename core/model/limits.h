// Every bound of the system that is part of its contract, in one place. Units are in the names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace henge {

inline constexpr int kPartitionCount = 16384;
inline constexpr int kSegmentsPerPartition = 256;
inline constexpr int kReplicasDefault = 3;

inline constexpr size_t kKeyBytesMax = 4096;
inline constexpr size_t kValueBytesMax = size_t{1} << 20;
inline constexpr size_t kBucketNameBytesMax = 64;
inline constexpr size_t kContextBytesMax = 8192;

// A put that would leave more than this is refused before the mint (P38); replicas never refuse by size.
inline constexpr size_t kSiblingsMax = 100;
inline constexpr size_t kObjectBytesMax = size_t{4} << 20;

// What one client frame may hold, and one peer frame; the latter carries at least kReplicasMax objects of the largest
// size.
inline constexpr int kReplicasMax = 7;
inline constexpr size_t kClientFrameBytesMax = size_t{8} << 20;
inline constexpr size_t kPeerFrameBytesMax = size_t{64} << 20;
inline constexpr int kBatchItemsMax = 1024;

// What a cluster state may hold.
inline constexpr size_t kMembersMax = 1024;
inline constexpr size_t kBucketsMax = 4096;
inline constexpr size_t kMemberNameBytesMax = 64;
inline constexpr size_t kZoneBytesMax = 64;
inline constexpr size_t kAddressBytesMax = 261;  // a host name of 255 bytes, ':' and a port
inline constexpr uint32_t kWeightMax = 1'000'000;

// How far ahead of the own wall clock a hybrid clock stamp may be and still advance the own hybrid clock.
inline constexpr int64_t kHlcAheadMaxMs = 60'000;

}  // namespace henge
