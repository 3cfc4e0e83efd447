#include "core/model/slot.h"

#include <array>

#include "core/model/hash.h"
#include "core/model/limits.h"

namespace henge {
namespace {

constexpr std::array<uint16_t, 256> MakeCrcTable() {
  std::array<uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
    table[byte] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint16_t, 256> kCrcTable = MakeCrcTable();
constexpr uint64_t kSegmentSeed = 0x7365676d'00000000;  // "segm", then the bucket id

}  // namespace

uint16_t Crc16(std::string_view bytes) {
  uint16_t crc = 0;
  for (char c : bytes) {
    crc = static_cast<uint16_t>((crc << 8) ^ kCrcTable[(crc >> 8) ^ static_cast<uint8_t>(c)]);
  }
  return crc;
}

std::string_view HashTag(std::string_view key) {
  const size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

PartitionId PartitionOf(std::string_view key) { return PartitionId(Crc16(HashTag(key)) % kPartitionCount); }

uint8_t SegmentOf(BucketId bucket, std::string_view key) {
  return static_cast<uint8_t>(Hash64(key, kSegmentSeed | bucket.value()) >> 56);
}

}  // namespace henge
