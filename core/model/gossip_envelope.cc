#include "core/model/gossip_envelope.h"

#include "absl/strings/str_cat.h"
#include "core/model/wire.h"

namespace henge {

std::string GossipEnvelope::Encode() const {
  std::string out;
  ByteWriter writer(&out);
  writer.Byte(kGossipEnvelopeVersion);
  writer.Fixed64(cluster.value());
  writer.Varint(version.value());
  writer.Fixed64(digest);
  writer.Raw(message);
  return out;
}

absl::StatusOr<GossipEnvelope> GossipEnvelope::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  const uint8_t format = reader.Byte();
  if (!reader.ok()) return absl::InvalidArgumentError("an empty gossip envelope");
  if (format != kGossipEnvelopeVersion) {
    return absl::FailedPreconditionError(absl::StrCat("a gossip envelope of version ", format, ", this node knows ",
                                                      kGossipEnvelopeVersion, ": upgrade this node, or the sender"));
  }
  GossipEnvelope envelope;
  envelope.cluster = ClusterId(reader.Fixed64());
  envelope.version = StateVersion(reader.Varint());
  envelope.digest = reader.Fixed64();
  if (!reader.ok()) return absl::InvalidArgumentError("a gossip envelope that is truncated or corrupt");
  envelope.message = std::string(reader.Raw(reader.remaining()));
  return envelope;
}

}  // namespace henge
