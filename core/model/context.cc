#include "core/model/context.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/vv_codec.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint8_t kContextVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr uint64_t kKeyHashSeed = 0x636f6e74'00000000;  // "cont", then the bucket id
constexpr uint64_t kChecksumSeed = 0x636f6e74'73756d00;

uint64_t KeyHash(BucketId bucket, std::string_view key) { return Hash64(key, kKeyHashSeed | bucket.value()); }

absl::Status Refused(const std::string& why) { return absl::InvalidArgumentError(absl::StrCat("the context ", why)); }

absl::Status Corrupt() {
  return Refused("is truncated or corrupt: pass the bytes of the last read of this key unchanged, or read it again");
}

}  // namespace

std::string SealContext(const Context& context, ClusterId cluster, BucketId bucket, std::string_view key) {
  std::string sealed;
  sealed.reserve(1 + 8 + 8 + 8 + EncodedVvSize(context.vv) + kChecksumBytes);
  ByteWriter out(&sealed);
  out.Byte(kContextVersion);
  out.Fixed64(cluster.value());
  out.Fixed64(KeyHash(bucket, key));
  out.Fixed64(context.hlc_max);
  EncodeVv(context.vv, &sealed);
  out.Fixed64(Hash64(sealed, kChecksumSeed));
  return sealed;
}

absl::StatusOr<Context> OpenContext(std::string_view sealed, ClusterId cluster, BucketId bucket, std::string_view key) {
  if (sealed.empty()) return Context();
  if (sealed.size() > kContextBytesMax) {
    return Refused(absl::StrCat("is too long, ", sealed.size(), " bytes where ", kContextBytesMax,
                                " is the limit: pass the bytes of the last read of this key unchanged"));
  }
  if (sealed.size() < kChecksumBytes) return Corrupt();
  const std::string_view body = sealed.substr(0, sealed.size() - kChecksumBytes);
  ByteReader checksum(sealed.substr(body.size()));
  if (checksum.Fixed64() != Hash64(body, kChecksumSeed)) return Corrupt();

  ByteReader in(body);
  const uint8_t version = in.Byte();
  if (version != kContextVersion) {
    return Refused(absl::StrCat("has format version ", version, ", this node knows ", kContextVersion,
                                ": read the key again through this node"));
  }
  const ClusterId of_cluster(in.Fixed64());
  const uint64_t of_key = in.Fixed64();
  Context context;
  context.hlc_max = in.Fixed64();
  context.vv = DecodeVv(&in);
  if (!in.AtEnd()) return Corrupt();
  if (of_cluster != cluster) {
    return Refused("was made by another cluster: read the key from this cluster before writing to it");
  }
  if (of_key != KeyHash(bucket, key)) {
    return Refused("was made for another key: pass the context of the last read of the key that is written");
  }
  return context;
}

}  // namespace henge
