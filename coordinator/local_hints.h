// How a coordinator uses the hints on its own node: it stores there, reads there, and mints there when it is no owner.
//
// Implemented by node/hints; loop-affine, the same loop as the coordinator's. The hints of other nodes are reached
// through the Transport (HintRequest, and ReadRequest with `from_hints`).
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "coordinator/local_replica.h"
#include "core/runtime/messages.h"

namespace henge {

class LocalHints {
 public:
  virtual ~LocalHints() = default;

  // Merges the object into the hint for its target (P16); answers when the result is durable. RESOURCE_EXHAUSTED: no
  // room for a new hint (P17), or no disk; the next fallback is asked then.
  using StoreFn = absl::AnyInvocable<void(absl::StatusOr<HintReply>)>;
  virtual void Store(HintRequest request, StoreFn done) = 0;

  // The merge of this node's durable hints for `key` over all targets (P12).
  using ReadFn = absl::AnyInvocable<void(absl::StatusOr<ReadReply>)>;
  virtual void Read(RecordKey key, ReadFn done) = 0;

  // Mints onto the merge of this node's hints for the key, in an epoch of its own (P12), and enqueues the result as the
  // hint for `target`, in one step (P6). The callbacks are those of LocalReplica::Mint.
  virtual void Mint(MintCommand command, MemberId target, uint32_t needed, LocalReplica::MintedFn minted,
                    LocalReplica::DurableFn durable) = 0;
};

}  // namespace henge
