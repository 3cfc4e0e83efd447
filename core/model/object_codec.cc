// The canonical encoding of an Object: docs/FORMAT.md, "Object".

#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/object.h"
#include "core/model/vv_codec.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint8_t kObjectVersion = 1;

constexpr uint8_t kTombstone = 1;
constexpr uint8_t kExpires = 2;
constexpr uint8_t kOperation = 4;
constexpr uint8_t kKnownFlags = kTombstone | kExpires | kOperation;

// Actor index, counter, flags, hlc, value length.
constexpr size_t kSiblingBytesMin = 1 + 1 + 1 + 8 + 1;
constexpr size_t kSiblingHeaderBytesMax = 3 * kVarintBytesMax + 1 + 8 + 8 + 24;

uint8_t FlagsOf(const Sibling& sibling) {
  uint8_t flags = 0;
  if (sibling.tombstone) flags |= kTombstone;
  if (sibling.expires_at_ms != 0) flags |= kExpires;
  if (!sibling.op_id.IsNone() || sibling.request_hash != 0) flags |= kOperation;
  return flags;
}

// The index in `entries` of the actor of each sibling, asked in ascending order.
class ActorCursor {
 public:
  explicit ActorCursor(std::span<const VersionVector::Entry> entries) : entries_(entries) {}

  size_t IndexOf(const Actor& actor) {
    while (index_ < entries_.size() && entries_[index_].actor < actor) ++index_;
    return index_;
  }

 private:
  std::span<const VersionVector::Entry> entries_;
  size_t index_ = 0;
};

char* PutSiblingHeader(char* to, const Sibling& sibling, size_t actor_index) {
  const uint8_t flags = FlagsOf(sibling);
  to = PutVarint(to, actor_index);
  to = PutVarint(to, sibling.dot.counter);
  *to++ = static_cast<char>(flags);
  to = PutFixed64(to, sibling.hlc);
  if (flags & kExpires) to = PutFixed64(to, static_cast<uint64_t>(sibling.expires_at_ms));
  if (flags & kOperation) {
    to = PutFixed64(to, sibling.op_id.high);
    to = PutFixed64(to, sibling.op_id.low);
    to = PutFixed64(to, sibling.request_hash);
  }
  return PutVarint(to, sibling.value.size());
}

// Fails `in` for what PutSiblingHeader doesn't write.
Sibling ReadSibling(ByteReader* in, const VersionVector& vv) {
  Sibling sibling;
  const size_t actor_index = in->Varint();
  if (actor_index >= vv.size()) {
    in->Fail();
    return sibling;
  }
  const VersionVector::Entry& entry = vv.entries()[actor_index];
  sibling.dot = Dot{entry.actor, in->VarintUpTo(entry.counter)};
  const uint8_t flags = in->Byte();
  sibling.tombstone = (flags & kTombstone) != 0;
  sibling.hlc = in->Fixed64();
  if (flags & kExpires) sibling.expires_at_ms = static_cast<int64_t>(in->Fixed64());
  if (flags & kOperation) {
    sibling.op_id.high = in->Fixed64();
    sibling.op_id.low = in->Fixed64();
    sibling.request_hash = in->Fixed64();
  }
  const std::string_view value = in->String();
  const bool canonical = sibling.dot.counter > 0 && (flags & ~kKnownFlags) == 0 && flags == FlagsOf(sibling) &&
                         (!sibling.tombstone || value.empty());
  if (!canonical) {
    in->Fail();
    return sibling;
  }
  sibling.value = value;
  return sibling;
}

absl::Status NotAnObject(const char* why) {
  return absl::DataLossError(
      absl::StrCat("the bytes are no object: ", why, "; the record must be taken from another replica"));
}

}  // namespace

size_t Object::EncodedSize() const {
  size_t size = 1 + EncodedVvSize(vv_) + VarintSize(siblings_.size());
  ActorCursor actors(vv_.entries());
  for (const Sibling& sibling : siblings_) {
    const uint8_t flags = FlagsOf(sibling);
    size += VarintSize(actors.IndexOf(sibling.dot.actor)) + VarintSize(sibling.dot.counter) + 1 + 8;
    if (flags & kExpires) size += 8;
    if (flags & kOperation) size += 24;
    size += VarintSize(sibling.value.size()) + sibling.value.size();
  }
  return size;
}

void Object::EncodeTo(std::string* out) const {
  out->reserve(out->size() + EncodedSize());
  out->push_back(static_cast<char>(kObjectVersion));
  EncodeVv(vv_, out);
  char buffer[kSiblingHeaderBytesMax];
  out->append(buffer, PutVarint(buffer, siblings_.size()) - buffer);
  ActorCursor actors(vv_.entries());
  for (const Sibling& sibling : siblings_) {
    out->append(buffer, PutSiblingHeader(buffer, sibling, actors.IndexOf(sibling.dot.actor)) - buffer);
    out->append(sibling.value);
  }
}

std::string Object::Encode() const {
  std::string out;
  EncodeTo(&out);
  return out;
}

absl::StatusOr<Object> Object::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Byte() != kObjectVersion) return NotAnObject(bytes.empty() ? "empty" : "unknown format version");
  Object object;
  object.vv_ = DecodeVv(&in);
  if (!in.ok()) return NotAnObject("its version vector is truncated or not canonical");
  const size_t count = in.Count(kSiblingBytesMin);
  object.siblings_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    Sibling sibling = ReadSibling(&in, object.vv_);
    if (!in.ok()) break;
    if (i > 0 && sibling <= object.siblings_.back()) return NotAnObject("its siblings are out of order");
    object.siblings_.push_back(std::move(sibling));
  }
  if (!in.ok()) return NotAnObject("a sibling is truncated, not canonical or not covered by the version vector");
  if (in.remaining() > 0) return NotAnObject("bytes follow its end");
  return object;
}

}  // namespace henge
