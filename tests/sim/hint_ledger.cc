#include "tests/sim/hint_ledger.h"

#include "absl/strings/str_cat.h"

namespace henge::sim {

void HintLedger::Report(const Place& place, const std::string& what) {
  violations_.push_back({"I15", absl::StrCat("the hint for node ", place.second.target.value(), " of ",
                                             place.second.record.key, " on node ", place.first, " ", what)});
}

void HintLedger::OnPut(int node, const HintKey& key, const VersionVector& vv) {
  const Place place{node, key};
  const auto there = entries_.find(place);
  if (there == entries_.end() || there->second.maybe_gone || removals_.contains(place)) return;
  if (!vv.Covers(there->second.vv)) Report(place, "is replaced by one that does not contain it");
}

void HintLedger::OnPutDurable(int node, const HintKey& key, const VersionVector& vv) {
  const auto [at, created] = entries_.try_emplace({node, key});
  ++(created ? figures_.created : figures_.joined);
  at->second.vv.Join(vv);
  at->second.maybe_gone = false;
}

void HintLedger::OnSeen(int node, const HintKey& key, const VersionVector& vv) {
  const Place place{node, key};
  if (const auto gone = removed_.find(place); gone != removed_.end() && gone->second.Covers(vv)) return;
  const auto [at, created] = entries_.try_emplace(place);
  figures_.created += created ? 1 : 0;
  at->second.vv.Join(vv);
  at->second.maybe_gone = false;
}

void HintLedger::OnRemoval(int node, const HintKey& key) { ++removals_[{node, key}]; }

void HintLedger::OnRemovalEnd(int node, const HintKey& key, bool removed, const VersionVector* at_target) {
  const Place place{node, key};
  EndRemoval(place);
  const auto at = entries_.find(place);
  if (!removed || at == entries_.end()) return;
  if (at_target == nullptr || !at_target->Covers(at->second.vv)) {
    Report(place, "is removed, and its target does not hold it durably");
  }
  Forget(at);
  ++figures_.delivered;
}

void HintLedger::OnMarkEnd(int node, const HintKey& key, bool marked, uint32_t needed,
                           const std::function<uint32_t(const VersionVector&)>& holders_of) {
  const Place place{node, key};
  EndRemoval(place);
  const auto at = entries_.find(place);
  if (!marked || at == entries_.end()) return;
  if (holders_of(at->second.vv) < needed) Report(place, "became a mark, and fewer nodes than its W hold it durably");
  Forget(at);
  ++figures_.marked;
}

void HintLedger::EndRemoval(const Place& place) {
  const auto under_way = removals_.find(place);
  if (under_way != removals_.end() && --under_way->second == 0) removals_.erase(under_way);
}

void HintLedger::Forget(std::map<Place, Entry>::iterator at) {
  removed_[at->first].Join(at->second.vv);
  entries_.erase(at);
}

void HintLedger::OnCrash(int node) {
  for (auto it = removals_.begin(); it != removals_.end();) {
    if (it->first.first != node) {
      ++it;
      continue;
    }
    if (const auto at = entries_.find(it->first); at != entries_.end()) at->second.maybe_gone = true;
    it = removals_.erase(it);
  }
}

void HintLedger::OnWipe(int node) {
  figures_.wiped += std::erase_if(entries_, [node](const auto& entry) { return entry.first.first == node; });
}

uint64_t HintLedger::Pending(int node) const {
  uint64_t count = 0;
  for (const auto& [place, entry] : entries_) count += place.first == node && !entry.maybe_gone ? 1 : 0;
  return count;
}

void HintLedger::OnOpened(int node, uint64_t hints) {
  if (hints >= Pending(node)) return;
  violations_.push_back({"I15", absl::StrCat("node ", node, " starts with ", hints, " hints, and ", Pending(node),
                                             " were durable there")});
}

void HintLedger::CheckAllDelivered() {
  for (const auto& [place, entry] : entries_) {
    if (!entry.maybe_gone) Report(place, "was neither delivered nor kept");
  }
}

}  // namespace henge::sim
