#include "tests/chaos/load_history.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace henge::chaos {
namespace {

using sim::MutationId;
using sim::MutationRecord;
using sim::OpStatus;

bool MayApply(const MutationRecord& m) { return m.status != OpStatus::kFail; }

// I1, by what a client can see: tombstones don't show, so that every delete that may have taken effect stands for one.
void CheckNothingLost(const std::string& key, const sim::History& history, const Seen& present, sim::Violations* out) {
  Seen tips = present;
  for (const MutationRecord& m : history.mutations()) {
    if (m.is_delete && MayApply(m)) tips.insert(m.id);
  }
  const Seen superseded = history.Ancestors(tips);
  for (const MutationRecord& m : history.mutations()) {
    if (m.status != OpStatus::kOk || m.is_delete || present.contains(m.id) || superseded.contains(m.id)) continue;
    out->push_back(
        {"I1", absl::StrCat("acked write v", m.id, " of ", key, " is lost; shown: ", absl::StrJoin(present, ","))});
  }
}

// I7. A write that was sent twice may have two versions, of which its successor can have seen one (P8).
void CheckNothingCameBack(const std::string& key, const sim::History& history, const Seen& present,
                          sim::Violations* out) {
  for (const MutationRecord& m : history.mutations()) {
    if (m.status != OpStatus::kOk) continue;
    for (MutationId replaced : m.observed) {
      const MutationRecord* old = history.Find(replaced);
      if (old == nullptr || old->times_minted > 1 || !present.contains(replaced)) continue;
      out->push_back({"I7", absl::StrCat("v", replaced, " of ", key, " is shown at the end, which the acked ",
                                         m.is_delete ? "delete" : "write", " v", m.id, " replaced")});
    }
  }
}

}  // namespace

MonotonicTime SteadyNow() { return MonotonicTime(std::chrono::steady_clock::now().time_since_epoch()); }

std::string LoadHistory::ValueOf(int key, MutationId id, size_t padding) {
  return absl::StrCat(KeyOf(key), "/", sim::History::ValueOf(id, padding));
}

Seen LoadHistory::SeenIn(int key, const std::vector<std::string>& values) {
  Seen seen;
  const std::string prefix = KeyOf(key) + "/";
  for (const std::string& value : values) {
    const bool ours = value.starts_with(prefix);
    seen.insert(ours ? sim::History::IdOf(std::string_view(value).substr(prefix.size())).value_or(0) : 0);
  }
  return seen;
}

MutationId LoadHistory::Begin(const Write& write) {
  Key& key = keys_[static_cast<size_t>(write.key)];
  std::lock_guard lock(key.mutex);
  MutationRecord& m = key.history.NewMutation(KeyOf(write.key), write.client);
  m.is_delete = write.is_delete;
  m.blind = write.blind;
  m.observed = write.observed;
  m.invoked_at = SteadyNow();
  return m.id;
}

void LoadHistory::End(int key, MutationId id, OpStatus status, int attempts) {
  Key& of = keys_[static_cast<size_t>(key)];
  std::lock_guard lock(of.mutex);
  MutationRecord& m = *of.history.Find(id);
  m.status = status;
  m.attempts = attempts;
  m.times_minted = static_cast<size_t>(attempts);
  m.done_at = SteadyNow();
}

Seen LoadHistory::AddRead(int key, int client, MonotonicTime began, const std::vector<std::string>& values) {
  Seen seen = SeenIn(key, values);
  sim::ReadRecord read{.key = KeyOf(key), .client = client, .invoked_at = began, .done_at = SteadyNow()};
  read.values.assign(seen.begin(), seen.end());
  Key& of = keys_[static_cast<size_t>(key)];
  std::lock_guard lock(of.mutex);
  of.history.AddRead(std::move(read));
  return seen;
}

void LoadHistory::JudgeKey(int key, const std::vector<FinalReads>& finals, sim::Violations* out) {
  const std::string name = KeyOf(key);
  sim::History& history = keys_[static_cast<size_t>(key)].history;
  const std::optional<Seen>* first = nullptr;
  for (const FinalReads& node : finals) {
    const std::optional<Seen>& shown = node[static_cast<size_t>(key)];
    if (!shown.has_value()) continue;
    const bool differs = first != nullptr && **first != *shown;
    if (differs) {
      out->push_back({"I3", absl::StrCat("two nodes show different versions of ", name, ": ",
                                         absl::StrJoin(**first, ","), " and ", absl::StrJoin(*shown, ","))});
    }
    if (first != nullptr && !differs) continue;
    first = &shown;
    CheckNothingLost(name, history, *shown, out);
    CheckNothingCameBack(name, history, *shown, out);
    sim::ReadRecord read{.key = name, .final = true, .invoked_at = SteadyNow(), .done_at = SteadyNow()};
    read.values.assign(shown->begin(), shown->end());
    history.AddRead(std::move(read));
  }
  sim::CheckNoPhantoms(history, out);
  sim::CheckCausality(history, out);
}

sim::Violations LoadHistory::Judge(const std::vector<FinalReads>& finals) {
  sim::Violations out;
  for (int key = 0; key < keys(); ++key) JudgeKey(key, finals, &out);
  return out;
}

uint64_t LoadHistory::CountOf(OpStatus status) const {
  uint64_t count = 0;
  for (const Key& key : keys_) {
    std::lock_guard lock(key.mutex);
    const auto& all = key.history.mutations();
    count += static_cast<uint64_t>(
        std::count_if(all.begin(), all.end(), [status](const MutationRecord& m) { return m.status == status; }));
  }
  return count;
}

uint64_t LoadHistory::acked() const { return CountOf(OpStatus::kOk); }
uint64_t LoadHistory::unknown() const { return CountOf(OpStatus::kInfo); }

}  // namespace henge::chaos
