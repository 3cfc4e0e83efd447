#include "core/model/bucket.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace henge {
namespace {

constexpr size_t kBucketBytesMin = 8;

template <class Enum>
Enum ReadEnum(ByteReader* in, Enum last) {
  const uint8_t value = in->Byte();
  if (value > static_cast<uint8_t>(last)) in->Fail();
  return static_cast<Enum>(value);
}

}  // namespace

absl::Status CheckBucketName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the bucket's name is empty: give it one");
  if (name.size() > kBucketNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the bucket's name has ", name.size(), " bytes, the limit is ", kBucketNameBytesMax));
  }
  const bool known = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  if (known && absl::ascii_isalnum(static_cast<unsigned char>(name[0]))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a bucket's name holds letters, digits, '-', '_' and '.', and begins with a letter or a digit: choose another");
}

void EncodeBuckets(const std::vector<Bucket>& buckets, ByteWriter* out) {
  out->Varint(buckets.size());
  for (const Bucket& bucket : buckets) {
    out->Varint(bucket.id.value());
    out->String(bucket.name);
    out->Byte(static_cast<uint8_t>(bucket.conflict));
    out->Varint(bucket.read_quorum);
    out->Varint(bucket.write_quorum);
    out->Byte(static_cast<uint8_t>(bucket.mode));
    out->Byte(static_cast<uint8_t>(bucket.durability));
    out->Varint(bucket.ttl_ms);
  }
}

std::vector<Bucket> DecodeBuckets(ByteReader* in, uint32_t replicas, BucketId next_id) {
  std::vector<Bucket> buckets;
  const size_t count = std::min(in->Count(kBucketBytesMin), kBucketsMax + 1);
  if (count > kBucketsMax) in->Fail();
  for (size_t i = 0; in->ok() && i < count; ++i) {
    Bucket bucket;
    bucket.id = BucketId(static_cast<uint32_t>(in->VarintUpTo(UINT32_MAX)));
    const std::string_view name = in->String();
    if (name.size() > kBucketNameBytesMax) in->Fail();
    if (in->ok()) bucket.name = std::string(name);
    bucket.conflict = ReadEnum(in, ConflictPolicy::kLastWriterWins);
    bucket.read_quorum = static_cast<uint32_t>(in->VarintUpTo(replicas));
    bucket.write_quorum = static_cast<uint32_t>(in->VarintUpTo(replicas));
    bucket.mode = ReadEnum(in, BucketMode::kStrict);
    bucket.durability = ReadEnum(in, Durability::kFsync);
    bucket.ttl_ms = in->VarintUpTo(kBucketTtlMsMax);
    const BucketId previous = buckets.empty() ? BucketId(0) : buckets.back().id;
    if (bucket.id <= previous || bucket.id >= next_id) in->Fail();
    buckets.push_back(std::move(bucket));
  }
  return buckets;
}

}  // namespace henge
