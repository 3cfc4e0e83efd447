// Says in the log when a merge in the background met one of the situations that have undone deletes and writes in other
// stores. Changes nothing: whatever is met, the merge is P1's.
#pragma once

#include <cstdint>

#include "core/model/conflict.h"
#include "core/model/object.h"
#include "core/runtime/messages.h"
#include "core/runtime/tracer.h"

namespace henge {

struct MergeSituation {
  MergeCause cause = MergeCause::kWrite;
  ConflictPolicy conflict = ConflictPolicy::kSiblings;
  int64_t now_ms = 0;
};

// Debug events, with `incoming` about to be merged into `base`; nothing for the writes of clients.
//   DeletedValueByHint, DeletedValueByRepair: the record is deleted, and a value that the delete had covered comes
//       back (H19)
//   DeleteMetByExchange: one of two replicas has deleted what the other one still has (H22)
//   ExpiredValueMerged: a value comes in whose time has run out (H23)
//   RepairMetNewerRecord: since the read that found it behind, the record has changed (H25)
//   ContextOnlyDifference: the versions are the same, what they replaced is not (H29)
void MarkMerge(Tracer& tracer, MergeSituation situation, const Object& base, const Object& incoming);

}  // namespace henge
