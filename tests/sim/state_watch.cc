#include "tests/sim/state_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace henge::sim {

void StateWatch::OnState(int node, const RingPtr& ring) {
  const StateVersion version = ring->version();
  const auto [known, first] = states_.emplace(version, ring);
  if (!first && known->second->digest() != ring->digest()) {
    violations_.push_back({"P31", absl::StrCat("node ", node, " goes by another state of version ", version.value())});
  }
  auto& newest = newest_[node];
  if (version < newest) {
    violations_.push_back({"P31", absl::StrCat("node ", node, " went back from version ", newest.value(), " to ",
                                               version.value(), " of the cluster state")});
  }
  newest = version;
}

void StateWatch::OnChanged(StateVersion version, const std::string& what) {
  const auto [known, first] = changed_.emplace(version, what);
  if (!first) {
    violations_.push_back(
        {"P31", absl::StrCat("version ", version.value(), " was acknowledged for ", known->second, " and for ", what)});
  }
}

RingPtr StateWatch::At(StateVersion version) const {
  const auto found = states_.find(version);
  return found == states_.end() ? nullptr : found->second;
}

bool StateWatch::Agree(int nodes) const {
  return newest_.size() == static_cast<size_t>(nodes) &&
         std::all_of(newest_.begin(), newest_.end(), [this](const auto& one) { return one.second == newest(); });
}

StateVersion StateWatch::newest() const { return states_.empty() ? StateVersion() : states_.rbegin()->first; }

}  // namespace henge::sim
