#include "node/mint_step.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "coordinator/read_edge.h"
#include "node/record_caps.h"
#include "node/stamp_check.h"

namespace henge {

void DrawLifetime(Random& random, Minter* minter) {
  const Lifetime before = minter->lifetime;
  do {
    minter->lifetime = Lifetime(random.Next64());
  } while (minter->lifetime == before || minter->lifetime == Lifetime{});
  minter->last_epoch = 0;
}

const Sibling* FindFormerMint(const MintCommand& command, const Object& base) {
  return command.again ? nullptr : base.FindOp(command.mutation.op_id);
}

absl::Status CheckMutation(const MintCommand& command, const Object& base, ConflictPolicy conflict,
                           const StampSource& stamps, int64_t wall_ms) {
  const Sibling* same_op = FindFormerMint(command, base);
  if (same_op != nullptr) {
    return same_op->request_hash == command.mutation.request_hash ? absl::OkStatus() : OpIdReuseError();
  }
  if (conflict == ConflictPolicy::kLastWriterWins) {
    absl::Status stamp = CheckStamp(stamps.clock(), command.context.hlc_max, base.MaxHlc(), wall_ms);
    if (!stamp.ok()) return stamp;
  }
  return CheckCaps(base, command.context.vv, command.mutation);
}

MintedVersion MintOver(Object base, const std::optional<Mark>& mark, ConflictPolicy conflict, int64_t wall_ms,
                       MintCommand* command, StampSource* stamps, Minter* minter) {
  // P9: above what the client saw; and above what is here, so that a blind write wins as well.
  if (conflict == ConflictPolicy::kLastWriterWins) stamps->Observe(base.MaxHlc(), wall_ms);
  const uint64_t stamp = stamps->Stamp(wall_ms, command->context.hlc_max);
  MintedVersion out;
  out.version =
      MintVersion(std::move(base), mark, command->context.vv, std::move(command->mutation), stamp, minter, conflict);
  out.encoded = out.version.object.Encode();
  out.result = MintResultOf(out.version.object, out.version.dot, command->context, out.encoded, wall_ms);
  return out;
}

MintResult MintResultOf(const Object& object, const Dot& dot, const Context& client, std::string encoded,
                        int64_t wall_ms) {
  MintResult result;
  result.object = std::make_shared<const std::string>(std::move(encoded));
  result.dot = dot;
  result.siblings_live = static_cast<uint32_t>(VisibleAt(object, wall_ms).size());
  result.next_context = WriteContext(object, client, dot);
  return result;
}

}  // namespace henge
