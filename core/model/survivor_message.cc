#include "core/model/survivor_message.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/ballot_codec.h"
#include "core/model/state_parts_codec.h"
#include "core/model/wire.h"

namespace henge {
namespace {

void WriteVote(const PaxosVote& vote, ByteWriter* out) {
  WriteBallot(vote.ballot, out);
  out->String(vote.value);
}

// A value without a ballot, or the other way round, is nothing that an encoder writes.
PaxosVote ReadVote(ByteReader* in) {
  PaxosVote vote;
  vote.ballot = ReadBallot(in);
  vote.value = ReadStateValue(in);
  if (vote.value.empty() != vote.ballot.IsNone()) in->Fail();
  return vote;
}

}  // namespace

std::string SurvivorAnswer::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kSurvivorMessageVersion);
  out.Byte(static_cast<uint8_t>(verdict));
  WriteSender(sender, &out);
  WriteVote(vote, &out);
  WriteBallot(promised, &out);
  WriteVote(recovery, &out);
  return bytes;
}

absl::StatusOr<SurvivorAnswer> SurvivorAnswer::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = in.Byte();
  if (in.ok() && version != kSurvivorMessageVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a message about a recovery of version ", static_cast<int>(version), ", this node knows ",
                     static_cast<int>(kSurvivorMessageVersion), ": run one version of henged on all survivors"));
  }
  SurvivorAnswer answer;
  const uint8_t verdict = in.Byte();
  if (verdict < static_cast<uint8_t>(SurvivorVerdict::kTold) ||
      verdict > static_cast<uint8_t>(SurvivorVerdict::kRefused)) {
    in.Fail();
  }
  answer.verdict = static_cast<SurvivorVerdict>(verdict);
  answer.sender = ReadSender(&in);
  answer.vote = ReadVote(&in);
  answer.promised = ReadBallot(&in);
  answer.recovery = ReadVote(&in);
  if (!in.AtEnd()) return absl::InvalidArgumentError("a message about a recovery that is truncated or corrupt");
  return answer;
}

}  // namespace henge
