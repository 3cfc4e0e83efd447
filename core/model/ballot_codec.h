// The bytes of a ballot, part of other formats: two varints, both 0 for none.
#pragma once

#include <cstdint>

#include "core/model/paxos_acceptor.h"
#include "core/model/wire.h"

namespace henge {

inline void WriteBallot(Ballot ballot, ByteWriter* out) {
  out->Varint(ballot.round);
  out->Varint(ballot.member.value());
}

inline Ballot ReadBallot(ByteReader* in) {
  Ballot ballot;
  ballot.round = in->Varint();
  ballot.member = MemberId(static_cast<uint32_t>(in->VarintUpTo(UINT32_MAX)));
  if (ballot.IsNone() != (ballot.member == MemberId())) in->Fail();
  return in->ok() ? ballot : Ballot();
}

}  // namespace henge
