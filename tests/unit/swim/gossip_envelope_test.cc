#include "core/model/gossip_envelope.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

GossipEnvelope Sample() {
  return {.cluster = ClusterId(0x1122334455667788),
          .version = StateVersion(300),
          .digest = 0xA1B2C3D4E5F60718,
          .message = "said"};
}

TEST(GossipEnvelope, ComesBackAsItWas) {
  EXPECT_EQ(GossipEnvelope::Decode(Sample().Encode()).value(), Sample());
  GossipEnvelope empty;
  EXPECT_EQ(GossipEnvelope::Decode(empty.Encode()).value(), empty);
}

// docs/FORMAT.md: bytes that must not change.
TEST(GossipEnvelope, HasTheDocumentedBytes) {
  EXPECT_EQ(Sample().Encode(),
            std::string("\x01\x88\x77\x66\x55\x44\x33\x22\x11\xac\x02\x18\x07\xf6\xe5\xd4\xc3\xb2\xa1said", 23));
}

TEST(GossipEnvelope, EveryTruncationOfTheHeadIsRefused) {
  GossipEnvelope envelope = Sample();
  envelope.message.clear();
  const std::string bytes = envelope.Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(GossipEnvelope::Decode(bytes.substr(0, size)).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(GossipEnvelope, AFutureVersionSaysWhatToDo) {
  std::string bytes = Sample().Encode();
  bytes[0] = kGossipEnvelopeVersion + 1;
  const absl::Status status = GossipEnvelope::Decode(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("upgrade"), absl::string_view::npos);
}

}  // namespace
}  // namespace henge
