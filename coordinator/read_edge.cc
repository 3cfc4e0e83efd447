#include "coordinator/read_edge.h"

#include <algorithm>

namespace henge {

VisibleSiblings VisibleAt(const Object& object, int64_t now_ms) {
  VisibleSiblings visible;
  for (const Sibling& sibling : object.siblings()) {
    if (sibling.tombstone || (sibling.expires_at_ms != 0 && sibling.expires_at_ms <= now_ms)) continue;
    const bool shown =
        !sibling.op_id.IsNone() && std::any_of(visible.begin(), visible.end(),
                                               [&](const Sibling* other) { return other->op_id == sibling.op_id; });
    if (!shown) visible.push_back(&sibling);
  }
  return visible;
}

Context ReadContext(const Object& object) { return {object.vv(), object.MaxHlc()}; }

std::optional<Context> WriteContext(const Object& object, const Context& client, const Dot& dot) {
  Context next = client;
  next.vv.Raise(dot.actor, dot.counter);
  for (const Sibling& sibling : object.siblings()) {
    if (sibling.dot == dot) {
      next.hlc_max = std::max(next.hlc_max, sibling.hlc);
    } else if (!sibling.tombstone && next.vv.Covers(sibling.dot)) {
      return std::nullopt;
    }
  }
  return next;
}

absl::Status OpIdReuseError() {
  return absl::InvalidArgumentError(
      "this op_id was used for another mutation of the key: a retry must repeat value, context and expiry, a new "
      "mutation needs a new op_id");
}

}  // namespace henge
