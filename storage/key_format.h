// The bytes under which a record stands in the store (docs/FORMAT.md, "Storage key").
//
// Big-endian, so that RocksDB's byte order is the storage order: partition, segment, bucket id, key. One partition is
// one range, and so is one Merkle leaf of it. What is no record stands behind every partition. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/model/merkle.h"
#include "core/runtime/messages.h"

namespace henge {

inline constexpr size_t kStorageKeyHeaderBytes = 2 + 1 + 4;

void AppendStorageKey(const RecordKey& key, std::string* out);
std::string StorageKey(const RecordKey& key);

// DATA_LOSS if `bytes` is not the storage key of any record: too short, of no partition, or under a partition or
// segment that its key doesn't have.
absl::StatusOr<RecordKey> ParseStorageKey(std::string_view bytes);

// The range [begin, end) of a partition's records.
std::string PartitionBegin(PartitionId partition);
std::string PartitionEnd(PartitionId partition);

// The range [begin, end) of the records of one Merkle leaf.
std::string SegmentBegin(LeafId leaf);
std::string SegmentEnd(LeafId leaf);

// The key of a leaf in the leaves' column family: partition and segment, which also begin each storage key.
inline constexpr size_t kLeafKeyBytes = 3;
std::string LeafKey(LeafId leaf);
// The leaf whose key `bytes` begins with; at least kLeafKeyBytes of them, of a partition that there is.
LeafId LeafOfKey(std::string_view bytes);

// The key of node metadata `name`: above every record.
std::string MetaKey(std::string_view name);

}  // namespace henge
