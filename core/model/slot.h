// Where a key lies: its partition on the ring, and its segment within the partition.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/model/ids.h"

namespace henge {

// CRC16-XMODEM (polynomial 0x1021, initial value 0), as the Redis Cluster specification defines it.
uint16_t Crc16(std::string_view bytes);

// What of `key` is hashed: the part between the first '{' and the next '}' if that is not empty, else the whole key.
std::string_view HashTag(std::string_view key);

PartitionId PartitionOf(std::string_view key);

// 8 bits of a hash of bucket id and whole key that is independent of the partition's: the Merkle leaf of the record.
uint8_t SegmentOf(BucketId bucket, std::string_view key);

}  // namespace henge
