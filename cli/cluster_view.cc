#include "cli/cluster_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "henge/admin.h"

namespace henge::cli {

absl::StatusOr<Ring> FetchRing(Context& context) {
  auto encoded = FetchClusterState(context.flags().endpoints, context.flags().timeout);
  if (!encoded.ok()) {
    return absl::Status(
        encoded.status().code(),
        absl::StrCat(encoded.status().message(),
                     ". Is henged running there? Name another node with --endpoint or HENGE_ENDPOINTS"));
  }
  auto state = ClusterState::Decode(encoded->state);
  if (state.ok()) return Ring(*std::move(state));
  return absl::InternalError(absl::StrCat("the node sent a cluster state that this program can't read (",
                                          state.status().message(), "): use a henge of the node's version"));
}

std::string MemberName(const ClusterState& state, MemberId id) {
  const Member* member = state.FindMember(id);
  return member != nullptr ? member->name : absl::StrCat("member ", id.value());
}

std::vector<Ownership> CountOwnership(const ClusterState& state) {
  std::vector<Ownership> counts(state.members.size());
  auto of = [&](MemberId id) -> Ownership* {
    auto at =
        std::find_if(state.members.begin(), state.members.end(), [&](const Member& member) { return member.id == id; });
    return at == state.members.end() ? nullptr : &counts[static_cast<size_t>(at - state.members.begin())];
  };
  for (const auto& owners : state.owners) {
    for (size_t i = 0; i < owners.size(); ++i) {
      Ownership* count = of(owners[i]);
      if (count == nullptr) continue;
      ++count->owned;
      if (i == 0) ++count->first;
    }
  }
  return counts;
}

std::string Percent(double part, double whole) {
  return whole > 0 ? absl::StrFormat("%.1f %%", part * 100 / whole) : "-";
}

}  // namespace henge::cli
