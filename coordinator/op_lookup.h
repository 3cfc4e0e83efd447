// The read before a mutation: has it been done already (P8), and what does a delete without a context cover (P38).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
#include "coordinator/request_checks.h"
#include "core/model/context.h"
#include "core/model/ids.h"
#include "core/runtime/task.h"

namespace henge {

struct LookupQuery {
  OpId op_id;  // none = look for nothing
  uint64_t request_hash = 0;
  bool for_context = false;  // what is read will be covered: it must be what a client would read (P14, P38)
};

// The record that holds the mutation already.
struct FoundOp {
  std::shared_ptr<const std::string> object;
  absl::InlinedVector<MemberId, 4> holders;  // have it durably
  uint32_t siblings_live = 0;
  std::optional<Context> next_context;
};

struct Lookup {
  std::optional<FoundOp> found;
  Context context;  // of all that was read
};

// Reads a majority of owners. A fallback that coordinates asks the hints as well; as long as nothing is to be covered,
// a hint store that doesn't know the op_id is an answer: if no owner can be reached, nobody knows more (P8).
// UNAVAILABLE or DEADLINE_EXCEEDED without one; INVALID_ARGUMENT if the op_id stands for another mutation.
Task<absl::StatusOr<Lookup>> LookUp(CorePtr core, CheckedRequest request, LookupQuery query);

}  // namespace henge
