#include "core/model/state_message.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/ballot_codec.h"
#include "core/model/state_parts_codec.h"
#include "core/model/wire.h"

namespace henge {
namespace {

absl::Status CheckVersion(ByteReader* in) {
  const uint8_t version = in->Byte();
  if (!in->ok()) return absl::InvalidArgumentError("an empty message about the cluster state");
  if (version == kStateMessageVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("a message about the cluster state of version ", static_cast<int>(version), ", this node knows ",
                   static_cast<int>(kStateMessageVersion), ": upgrade this node, or the sender"));
}

// A value or a ballot where none belongs is nothing that an encoder writes.
bool Fits(const StateCall& call) {
  const bool wants_ballot = call.ask == StateAsk::kPrepare || call.ask == StateAsk::kAccept;
  const bool wants_value = call.ask == StateAsk::kAccept || call.ask == StateAsk::kLearn;
  return call.ballot.IsNone() != wants_ballot && call.value.empty() != wants_value;
}

bool Fits(const StateAnswer& answer) {
  const bool vote = answer.verdict == StateVerdict::kGranted || answer.verdict == StateVerdict::kRefused;
  if (answer.promised.IsNone() == vote) return false;
  if (!answer.accepted.IsNone()) return answer.verdict == StateVerdict::kGranted && !answer.value.empty();
  return answer.value.empty() != (answer.verdict == StateVerdict::kNewer);
}

}  // namespace

std::string StateCall::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kStateMessageVersion);
  out.Byte(static_cast<uint8_t>(ask));
  WriteSender(sender, &out);
  WriteBallot(ballot, &out);
  out.String(value);
  return bytes;
}

absl::StatusOr<StateCall> StateCall::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (absl::Status status = CheckVersion(&in); !status.ok()) return status;
  StateCall call;
  const uint8_t ask = in.Byte();
  if (ask < static_cast<uint8_t>(StateAsk::kFetch) || ask > static_cast<uint8_t>(StateAsk::kLearn)) in.Fail();
  call.ask = static_cast<StateAsk>(ask);
  call.sender = ReadSender(&in);
  call.ballot = ReadBallot(&in);
  call.value = ReadStateValue(&in);
  if (!in.AtEnd() || !Fits(call)) {
    return absl::InvalidArgumentError("a call about the cluster state that is truncated or corrupt");
  }
  return call;
}

std::string StateAnswer::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kStateMessageVersion);
  out.Byte(static_cast<uint8_t>(verdict));
  WriteSender(sender, &out);
  WriteBallot(promised, &out);
  WriteBallot(accepted, &out);
  out.String(value);
  return bytes;
}

absl::StatusOr<StateAnswer> StateAnswer::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (absl::Status status = CheckVersion(&in); !status.ok()) return status;
  StateAnswer answer;
  const uint8_t verdict = in.Byte();
  if (verdict < static_cast<uint8_t>(StateVerdict::kNothing) ||
      verdict > static_cast<uint8_t>(StateVerdict::kRefused)) {
    in.Fail();
  }
  answer.verdict = static_cast<StateVerdict>(verdict);
  answer.sender = ReadSender(&in);
  answer.promised = ReadBallot(&in);
  answer.accepted = ReadBallot(&in);
  answer.value = ReadStateValue(&in);
  if (!in.AtEnd() || !Fits(answer)) {
    return absl::InvalidArgumentError("an answer about the cluster state that is truncated or corrupt");
  }
  return answer;
}

}  // namespace henge
