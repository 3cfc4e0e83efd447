// The read edge: what of a record a client gets to see.
//
// Pure. Nothing here changes a record; versions that stand for one mutation are collapsed for the client only (P8).
#pragma once

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "core/model/context.h"
#include "core/model/dot.h"
#include "core/model/object.h"

namespace henge {

using VisibleSiblings = absl::InlinedVector<const Sibling*, 2>;

// The values of `object` that are neither deleted nor expired at `now_ms`, each op_id once, in canonical order. The
// pointers live as long as `object` stays as it is.
VisibleSiblings VisibleAt(const Object& object, int64_t now_ms);

// The context of a reply to a read: all that `object` knows.
Context ReadContext(const Object& object);

// The context of a reply to a write: `client` joined with the new version `dot`. None if that would cover a value in
// `object` that the client has not seen, which its next write would then remove unseen.
std::optional<Context> WriteContext(const Object& object, const Context& client, const Dot& dot);

// INVALID_ARGUMENT: the op_id of a mutation stands for another mutation already (P8).
absl::Status OpIdReuseError();

}  // namespace henge
