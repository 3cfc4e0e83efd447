#include "storage/hint_format.h"

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/slot.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr size_t kChecksumEnd = 1 + 8;
// No member has these numbers: ids count from 1, one by one.
constexpr uint32_t kMarksTarget = 0xfffffffe;
constexpr uint32_t kAsideTarget = 0xffffffff;
constexpr size_t kMarksKeyBytes = 4 + 2;

void AppendBigEndian(uint32_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

uint64_t Checksum(std::string_view hint_key, std::string_view rest) { return Hash64(rest, Hash64(hint_key)); }

}  // namespace

std::string EncodeHintKey(const HintKey& key) {
  std::string out = HintRangeBegin(key.target, key.record.partition.value());
  AppendBigEndian(key.record.bucket.value(), 4, &out);
  out.append(key.record.key);
  return out;
}

absl::StatusOr<HintKey> DecodeHintKey(std::string_view bytes) {
  if (bytes.size() < kHintKeyHeaderBytes) return absl::DataLossError("a hint's key is too short");
  HintKey key;
  key.target = MemberId(ReadBigEndian(bytes.substr(0, 4)));
  key.record.partition = PartitionId(static_cast<uint16_t>(ReadBigEndian(bytes.substr(4, 2))));
  key.record.bucket = BucketId(ReadBigEndian(bytes.substr(6, 4)));
  key.record.key = std::string(bytes.substr(kHintKeyHeaderBytes));
  if (key.target.value() == 0 || key.target.value() >= kMarksTarget || key.record.key.empty()) {
    return absl::DataLossError("a hint's key names no target or no record");
  }
  if (key.record.partition != PartitionOf(key.record.key)) {
    return absl::DataLossError("a hint's key has a partition that is not that of its record");
  }
  return key;
}

std::string HintRangeBegin(MemberId target, uint32_t partition) {
  std::string out;
  out.reserve(kHintKeyHeaderBytes + 32);
  AppendBigEndian(target.value(), 4, &out);
  AppendBigEndian(partition, 2, &out);
  return out;
}

std::string HintRangeEnd(MemberId target) { return HintRangeBegin(target, 0xffff); }

std::string AsideBegin() { return HintRangeBegin(MemberId(kAsideTarget), 0).substr(0, 4); }

std::string AsideKey(std::string_view hint_key) { return AsideBegin().append(hint_key); }

std::string EncodeStoredHint(std::string_view hint_key, const StoredHint& hint) {
  std::string rest;
  rest.reserve(24 + hint.object.size());
  ByteWriter out(&rest);
  out.Fixed64(static_cast<uint64_t>(hint.stored_at_ms));
  out.Varint(hint.needed);
  out.Varint(hint.era);
  out.Raw(hint.object);
  std::string bytes;
  bytes.reserve(kChecksumEnd + rest.size());
  ByteWriter head(&bytes);
  head.Byte(kStoredHintVersion);
  head.Fixed64(Checksum(hint_key, rest));
  head.Raw(rest);
  return bytes;
}

absl::StatusOr<StoredHint> DecodeStoredHint(std::string_view hint_key, std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kStoredHintVersion) return absl::DataLossError("the hint is of no known version");
  const uint64_t checksum = in.Fixed64();
  if (!in.ok() || checksum != Checksum(hint_key, bytes.substr(kChecksumEnd))) {
    return absl::DataLossError("the hint does not match its checksum");
  }
  StoredHint hint;
  hint.stored_at_ms = static_cast<int64_t>(in.Fixed64());
  hint.needed = static_cast<uint32_t>(in.VarintUpTo(kReplicasMax));
  hint.era = in.Varint();
  if (!in.ok()) return absl::DataLossError("the hint is cut short");
  hint.object = std::string(in.Raw(in.remaining()));
  return hint;
}

std::string MarksBegin() { return HintRangeBegin(MemberId(kMarksTarget), 0).substr(0, 4); }

std::string MarksKey(PartitionId partition) { return HintRangeBegin(MemberId(kMarksTarget), partition.value()); }

absl::StatusOr<PartitionId> DecodeMarksKey(std::string_view bytes) {
  if (bytes.size() != kMarksKeyBytes) return absl::DataLossError("a key of marks has not its length");
  const uint32_t partition = ReadBigEndian(bytes.substr(4, 2));
  if (partition >= kPartitionCount) return absl::DataLossError("a key of marks names no partition");
  return PartitionId(static_cast<uint16_t>(partition));
}

std::string EncodeMarks(std::string_view marks_key, const MarkedPartition& marks) {
  std::string rest;
  ByteWriter out(&rest);
  out.Fixed64(static_cast<uint64_t>(marks.since_ms));
  out.Varint(marks.era);
  for (size_t i = 0; i < marks.segments.size(); i += 8) {
    uint8_t byte = 0;
    for (size_t bit = 0; bit < 8; ++bit) byte |= static_cast<uint8_t>(marks.segments[i + bit] ? 1u << bit : 0u);
    out.Byte(byte);
  }
  std::string bytes;
  ByteWriter head(&bytes);
  head.Byte(kMarksVersion);
  head.Fixed64(Checksum(marks_key, rest));
  head.Raw(rest);
  return bytes;
}

absl::StatusOr<MarkedPartition> DecodeMarks(std::string_view marks_key, std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kMarksVersion) return absl::DataLossError("the marks are of no known version");
  const uint64_t checksum = in.Fixed64();
  if (!in.ok() || checksum != Checksum(marks_key, bytes.substr(kChecksumEnd))) {
    return absl::DataLossError("the marks do not match their checksum");
  }
  MarkedPartition marks;
  marks.since_ms = static_cast<int64_t>(in.Fixed64());
  marks.era = in.Varint();
  for (size_t i = 0; i < marks.segments.size(); i += 8) {
    const uint8_t byte = in.Byte();
    for (size_t bit = 0; bit < 8; ++bit) marks.segments[i + bit] = (byte >> bit & 1) != 0;
  }
  if (!in.AtEnd()) return absl::DataLossError("the marks have not their length");
  return marks;
}

uint64_t HintBytes(const HintKey& key, const StoredHint& hint) {
  return kHintKeyHeaderBytes + key.record.key.size() + kChecksumEnd + 8 + VarintSize(hint.needed) +
         VarintSize(hint.era) + hint.object.size();
}

}  // namespace henge
