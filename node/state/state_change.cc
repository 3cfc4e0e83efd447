#include "node/state/state_change.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace henge {
namespace {

Member* Find(ClusterState* state, MemberId id) {
  const auto found =
      std::find_if(state->members.begin(), state->members.end(), [id](const Member& m) { return m.id == id; });
  return found == state->members.end() ? nullptr : &*found;
}

}  // namespace

ClusterState Successor(ClusterState state, uint64_t change) {
  state.version = StateVersion(state.version.value() + 1);
  if (state.changes.size() == kStateChangesMax) state.changes.erase(state.changes.begin());
  state.changes.push_back(change);
  return state;
}

std::optional<StateVersion> VersionOfChange(const ClusterState& state, uint64_t change) {
  const auto found = std::find(state.changes.begin(), state.changes.end(), change);
  if (found == state.changes.end()) return std::nullopt;
  return StateVersion(state.version.value() - static_cast<uint64_t>(state.changes.end() - found - 1));
}

StateChange BindAll(std::vector<std::pair<MemberId, StoreId>> stores, std::set<MemberId> without) {
  return [stores = std::move(stores),
          without = std::move(without)](const ClusterState& state) -> absl::StatusOr<ClusterState> {
    if (state.version > StateVersion(1)) {
      return absl::FailedPreconditionError("the members are bound to their stores already");
    }
    ClusterState next = state;
    for (const auto& [id, store] : stores) {
      if (Member* member = Find(&next, id); member != nullptr) member->store = store;
    }
    for (const Member& member : next.members) {
      if (member.store == StoreId() && !without.contains(member.id)) {
        return absl::FailedPreconditionError("not every member's store is known");
      }
    }
    return next;
  };
}

StateChange Rebind(MemberId id, StoreId store) {
  return [id, store](const ClusterState& state) -> absl::StatusOr<ClusterState> {
    ClusterState next = state;
    Member* member = Find(&next, id);
    if (member == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat("member ", id.value(), " is not in this cluster"));
    }
    if (state.version <= StateVersion(1)) {
      return absl::FailedPreconditionError("the members aren't bound to their stores yet");
    }
    if (member->store == store) {
      return absl::FailedPreconditionError(absl::StrCat("member ", member->name, " is bound to this store already"));
    }
    member->store = store;
    return next;
  };
}

}  // namespace henge
