#include "storage/stored_record.h"

#include <string>

#include "core/model/hash.h"

namespace henge {
namespace {

constexpr uint8_t kFlagMark = 1;
constexpr size_t kChecksumEnd = 1 + 8;

// Of everything behind the checksum: the header's rest and the object, chained by the seed.
uint64_t Checksum(std::string_view storage_key, std::string_view header_rest, std::string_view object) {
  return Hash64(object, Hash64(header_rest, Hash64(storage_key)));
}

}  // namespace

RecordHeader::RecordHeader(std::string_view storage_key, const StoredRecord& record) {
  char* to = buffer_;
  *to++ = static_cast<char>(kStoredRecordVersion);
  char* checksum_at = to;
  to += sizeof(uint64_t);
  *to++ = static_cast<char>(record.mark.has_value() ? kFlagMark : 0);
  to = PutFixed64(to, static_cast<uint64_t>(record.written_at_ms));
  if (record.mark.has_value()) {
    to = PutFixed64(to, record.mark->lifetime.value());
    to = PutVarint(to, record.mark->epoch);
    to = PutVarint(to, record.mark->counter);
  }
  size_ = static_cast<size_t>(to - buffer_);
  PutFixed64(checksum_at, Checksum(storage_key, bytes().substr(kChecksumEnd), record.object));
}

absl::StatusOr<StoredRecord> DecodeStoredRecord(std::string_view storage_key, std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kStoredRecordVersion) return absl::DataLossError("the stored record is of no known version");
  uint64_t checksum = in.Fixed64();
  uint8_t flags = in.Byte();
  StoredRecord record;
  record.written_at_ms = static_cast<int64_t>(in.Fixed64());
  if ((flags & kFlagMark) != 0) {
    Mark mark;
    mark.lifetime = Lifetime(in.Fixed64());
    mark.epoch = in.Varint();
    mark.counter = in.Varint();
    record.mark = mark;
  }
  if (!in.ok()) return absl::DataLossError("the stored record is cut short");
  std::string_view object = in.Raw(in.remaining());
  std::string_view header_rest = bytes.substr(kChecksumEnd, bytes.size() - object.size() - kChecksumEnd);
  if (checksum != Checksum(storage_key, header_rest, object)) {
    return absl::DataLossError("the stored record does not match its checksum");
  }
  if ((flags & ~kFlagMark) != 0) return absl::DataLossError("the stored record has flags of no known version");
  record.object = std::string(object);
  return record;
}

}  // namespace henge
