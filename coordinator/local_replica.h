// How a coordinator reaches the replica on its own node: it mints there, reads there, merges there.
//
// Implemented by node/replica; loop-affine, the same loop as the coordinator's. The other replicas are reached through
// the Transport.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/context.h"
#include "core/model/dot.h"
#include "core/model/mint.h"
#include "core/model/object.h"
#include "core/runtime/messages.h"

namespace henge {

struct MintCommand {
  RecordKey key;
  Context context;
  Mutation mutation;
  MonotonicTime deadline;  // checked once more in the step that mints
  bool again = false;      // P7: mints even if the record holds a version of this op_id, which a lost history may cover
};

struct MintResult {
  std::shared_ptr<const std::string> object;  // canonical bytes of the whole record, to be sent to the other replicas
  Dot dot;
  bool found = false;  // the record held the mutation's op_id already: nothing was minted, `dot` is that version's
  uint32_t siblings_live = 0;  // values that a client would see
  // The client's context joined with the new dot, if it covers no version that the client has not seen.
  std::optional<Context> next_context;
};

class LocalReplica {
 public:
  virtual ~LocalReplica() = default;

  // Whether a client's write may start here now: RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE for a failed store. A
  // delete (`tombstone`) passes for longer than a put does (P37).
  virtual absl::Status AdmitWrite(bool tombstone) const = 0;

  // Reads the base, then mints and enqueues the local commit in one step (P6). `minted` runs at that instant, or with
  // an error that means "not applied"; after OK, `durable` runs once: OK when the local copy is synced, else an error
  // (outcome unknown).
  using MintedFn = absl::AnyInvocable<void(absl::StatusOr<MintResult>)>;
  using DurableFn = absl::AnyInvocable<void(absl::Status)>;
  virtual void Mint(MintCommand command, MintedFn minted, DurableFn durable) = 0;

  // The durable record.
  using ReadFn = absl::AnyInvocable<void(absl::StatusOr<ReadReply>)>;
  virtual void Read(RecordKey key, ReadFn done) = 0;

  // Merges canonical bytes into the local record; answers when the result is durable (P11).
  using MergeFn = absl::AnyInvocable<void(absl::StatusOr<MergeReply>)>;
  virtual void Merge(MergeRequest request, MergeFn done) = 0;

  // P7: a peer's record of `key` covers `seen`, a dot of this store above the one that was sent to it. `done` learns
  // whether that is amnesia: more than was ever minted here, rather than a later mint that overtook. If it is, the
  // lifetime is closed (when the dot is of the current one) before `done` runs.
  using AmnesiaFn = absl::AnyInvocable<void(absl::StatusOr<bool>)>;
  virtual void CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) = 0;
};

}  // namespace henge
