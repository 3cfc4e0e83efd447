#include "tests/sim/history.h"

#include <charconv>
#include <deque>

#include "absl/strings/str_cat.h"

namespace henge::sim {

MutationRecord& History::NewMutation(std::string key, int client) {
  MutationRecord& m = mutations_.emplace_back();
  m.id = static_cast<MutationId>(mutations_.size());
  m.key = std::move(key);
  m.client = client;
  return m;
}

const MutationRecord* History::Find(MutationId id) const {
  return id >= 1 && id <= mutations_.size() ? &mutations_[id - 1] : nullptr;
}

MutationRecord* History::Find(MutationId id) {
  return id >= 1 && id <= mutations_.size() ? &mutations_[id - 1] : nullptr;
}

std::set<MutationId> History::Ancestors(const std::set<MutationId>& from) const {
  return Past(from, /*in_passing=*/true);
}

std::set<MutationId> History::Witnessed(const std::set<MutationId>& from) const {
  return Past(from, /*in_passing=*/false);
}

std::set<MutationId> History::Past(const std::set<MutationId>& from, bool in_passing) const {
  std::set<MutationId> seen;
  std::deque<MutationId> queue(from.begin(), from.end());
  while (!queue.empty()) {
    const MutationRecord* m = Find(queue.front());
    queue.pop_front();
    if (m == nullptr || m->status == OpStatus::kFail) continue;
    for (MutationId o : m->observed) {
      if (!in_passing && m->in_passing.contains(o)) continue;
      if (seen.insert(o).second) queue.push_back(o);
    }
  }
  return seen;
}

std::string History::ValueOf(MutationId id, size_t padding) {
  return absl::StrCat("v", id, ":", std::string(padding, 'x'));
}

std::optional<MutationId> History::IdOf(std::string_view value) {
  const size_t colon = value.find(':');
  uint32_t id = 0;
  if (value.empty() || value[0] != 'v' || colon == std::string_view::npos) return std::nullopt;
  if (std::from_chars(value.data() + 1, value.data() + colon, id).ptr != value.data() + colon) return std::nullopt;
  if (value.find_first_not_of('x', colon + 1) != std::string_view::npos) return std::nullopt;
  return id;
}

}  // namespace henge::sim
