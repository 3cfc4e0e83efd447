#include "storage/key_format.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/slot.h"

namespace henge {
namespace {

constexpr char kMetaPrefix[] =
    "\xff"
    "meta/";
static_assert(kPartitionCount <= 0xff00, "no partition may reach the prefix of the metadata");

char ByteOf(uint32_t value, int shift) { return static_cast<char>(value >> shift); }

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string PartitionPrefix(uint32_t partition) { return {ByteOf(partition, 8), ByteOf(partition, 0)}; }

}  // namespace

void AppendStorageKey(const RecordKey& key, std::string* out) {
  uint32_t partition = key.partition.value();
  uint32_t bucket = key.bucket.value();
  const char header[kStorageKeyHeaderBytes] = {
      ByteOf(partition, 8), ByteOf(partition, 0), static_cast<char>(SegmentOf(key.bucket, key.key)),
      ByteOf(bucket, 24),   ByteOf(bucket, 16),   ByteOf(bucket, 8),
      ByteOf(bucket, 0)};
  out->append(header, sizeof(header));
  out->append(key.key);
}

std::string StorageKey(const RecordKey& key) {
  std::string out;
  out.reserve(kStorageKeyHeaderBytes + key.key.size());
  AppendStorageKey(key, &out);
  return out;
}

absl::StatusOr<RecordKey> ParseStorageKey(std::string_view bytes) {
  if (bytes.size() < kStorageKeyHeaderBytes) {
    return absl::DataLossError(absl::StrCat("a storage key of ", bytes.size(), " bytes, which is too short"));
  }
  RecordKey key{PartitionId(static_cast<uint16_t>(BigEndian(bytes.substr(0, 2)))),
                BucketId(BigEndian(bytes.substr(3, 4))), std::string(bytes.substr(kStorageKeyHeaderBytes))};
  if (key.partition.value() >= kPartitionCount || key.partition != PartitionOf(key.key)) {
    return absl::DataLossError("a storage key whose partition is not that of its key");
  }
  if (static_cast<uint8_t>(bytes[2]) != SegmentOf(key.bucket, key.key)) {
    return absl::DataLossError("a storage key whose segment is not that of its key");
  }
  return key;
}

std::string PartitionBegin(PartitionId partition) { return PartitionPrefix(partition.value()); }

std::string PartitionEnd(PartitionId partition) { return PartitionPrefix(uint32_t{partition.value()} + 1); }

std::string LeafKey(LeafId leaf) { return PartitionPrefix(leaf.partition.value()) + static_cast<char>(leaf.segment); }

LeafId LeafOfKey(std::string_view bytes) {
  return {PartitionId(static_cast<uint16_t>(BigEndian(bytes.substr(0, 2)))), static_cast<uint8_t>(bytes[2])};
}

std::string SegmentBegin(LeafId leaf) { return LeafKey(leaf); }

std::string SegmentEnd(LeafId leaf) {
  if (leaf.segment == kTreeLeaves - 1) return PartitionEnd(leaf.partition);
  return LeafKey({leaf.partition, static_cast<uint8_t>(leaf.segment + 1)});
}

std::string MetaKey(std::string_view name) { return std::string(kMetaPrefix).append(name); }

}  // namespace henge
