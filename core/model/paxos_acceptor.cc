#include "core/model/paxos_acceptor.h"

#include <utility>

#include "absl/status/status.h"
#include "core/model/ballot_codec.h"

namespace henge {
namespace {

constexpr uint8_t kAcceptorVersion = 1;

}  // namespace

bool PaxosAcceptor::Prepare(Ballot ballot) {
  if (ballot <= promised_) return false;
  promised_ = ballot;
  return true;
}

bool PaxosAcceptor::Accept(Ballot ballot, std::string value) {
  if (ballot.IsNone() || ballot < promised_) return false;
  promised_ = ballot;
  accepted_ = {ballot, std::move(value)};
  return true;
}

std::string PaxosAcceptor::Encode(StateVersion version) const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kAcceptorVersion);
  out.Varint(version.value());
  WriteBallot(promised_, &out);
  WriteBallot(accepted_.ballot, &out);
  out.String(accepted_.value);
  return bytes;
}

absl::StatusOr<PaxosAcceptor::Stored> PaxosAcceptor::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  const bool known = in.Byte() == kAcceptorVersion;
  Stored stored;
  stored.version = StateVersion(in.Varint());
  PaxosAcceptor& acceptor = stored.acceptor;
  acceptor.promised_ = ReadBallot(&in);
  acceptor.accepted_.ballot = ReadBallot(&in);
  acceptor.accepted_.value = std::string(in.String());
  const bool nothing = acceptor.accepted_.ballot.IsNone();
  if (!known || !in.AtEnd() || acceptor.promised_ < acceptor.accepted_.ballot ||
      (nothing && !acceptor.accepted_.value.empty())) {
    return absl::DataLossError(
        "the data directory's own note of this node's votes is broken: give it an empty directory, so that the other "
        "members bind it anew");
  }
  return stored;
}

}  // namespace henge
