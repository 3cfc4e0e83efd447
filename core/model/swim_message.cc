#include "core/model/swim_message.h"

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/wire.h"

namespace henge {
namespace {

// Member, liveness and incarnation, at least.
constexpr size_t kUpdateBytesMin = 3;

void WriteUpdates(const std::vector<SwimUpdate>& updates, ByteWriter& writer) {
  writer.Varint(updates.size());
  for (const SwimUpdate& update : updates) {
    writer.Varint(update.member.value());
    writer.Byte(static_cast<uint8_t>(update.liveness));
    writer.Varint(update.incarnation);
    if (update.liveness == Liveness::kAlive) writer.String(update.address);
    if (update.liveness == Liveness::kSuspect) writer.Varint(update.accuser.value());
  }
}

std::vector<SwimUpdate> ReadUpdates(ByteReader& reader) {
  std::vector<SwimUpdate> updates;
  const size_t count = reader.Count(kUpdateBytesMin);
  // The sender's own, the receiver's own, and one of each member.
  if (count > kMembersMax + 2) reader.Fail();
  if (!reader.ok()) return updates;
  updates.reserve(count);
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    SwimUpdate update;
    update.member = MemberId(static_cast<uint32_t>(reader.VarintUpTo(UINT32_MAX)));
    const uint8_t liveness = reader.Byte();
    if (liveness > static_cast<uint8_t>(Liveness::kDead)) reader.Fail();
    update.liveness = static_cast<Liveness>(liveness);
    update.incarnation = reader.Varint();
    if (update.liveness == Liveness::kAlive) update.address = std::string(reader.String());
    if (update.liveness == Liveness::kSuspect) {
      update.accuser = MemberId(static_cast<uint32_t>(reader.VarintUpTo(UINT32_MAX)));
    }
    if (update.address.size() > kAddressBytesMax) reader.Fail();
    if (reader.ok()) updates.push_back(std::move(update));
  }
  return updates;
}

absl::Status CheckVersion(ByteReader& reader) {
  const uint8_t version = reader.Byte();
  if (!reader.ok()) return absl::InvalidArgumentError("an empty gossip message");
  if (version == kSwimMessageVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("a gossip message of version ", version, ", this node knows ",
                                                    kSwimMessageVersion, ": upgrade this node, or the sender"));
}

}  // namespace

std::string SwimCall::Encode() const {
  std::string out;
  ByteWriter writer(&out);
  writer.Byte(kSwimMessageVersion);
  writer.Byte(static_cast<uint8_t>(kind));
  writer.Varint(target.value());
  WriteUpdates(updates, writer);
  return out;
}

absl::StatusOr<SwimCall> SwimCall::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (absl::Status version = CheckVersion(reader); !version.ok()) return version;
  SwimCall call;
  const uint8_t kind = reader.Byte();
  if (kind < static_cast<uint8_t>(SwimKind::kPing) || kind > static_cast<uint8_t>(SwimKind::kPushPull)) reader.Fail();
  call.kind = static_cast<SwimKind>(kind);
  call.target = MemberId(static_cast<uint32_t>(reader.VarintUpTo(UINT32_MAX)));
  call.updates = ReadUpdates(reader);
  if (!reader.AtEnd()) return absl::InvalidArgumentError("a gossip call that is truncated or corrupt");
  return call;
}

std::string SwimAnswer::Encode() const {
  std::string out;
  ByteWriter writer(&out);
  writer.Byte(kSwimMessageVersion);
  writer.Byte(reached ? 1 : 0);
  WriteUpdates(updates, writer);
  return out;
}

absl::StatusOr<SwimAnswer> SwimAnswer::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (absl::Status version = CheckVersion(reader); !version.ok()) return version;
  SwimAnswer answer;
  const uint8_t reached = reader.Byte();
  if (reached > 1) reader.Fail();
  answer.reached = reached == 1;
  answer.updates = ReadUpdates(reader);
  if (!reader.AtEnd()) return absl::InvalidArgumentError("a gossip answer that is truncated or corrupt");
  return answer;
}

}  // namespace henge
