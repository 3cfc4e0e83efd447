#include "tests/sim/lww_checker.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::sim {
namespace {

using Rank = std::pair<uint64_t, Dot>;  // by what P9 decides

MutationId LwwIdOf(const Sibling& sibling) { return static_cast<MutationId>(sibling.op_id.low); }
Rank RankOf(const Sibling& sibling) { return {sibling.hlc, sibling.dot}; }

class Judge {
 public:
  Judge(const History& history, const LwwVersions& versions, Violations* out)
      : history_(history), versions_(versions), out_(out) {}

  void JudgeKey(const std::string& key, const std::vector<Object>& replicas) {
    for (size_t i = 0; i < replicas.size(); ++i) {
      if (replicas[i].siblings().size() > 1) {
        Report("I3", absl::StrCat("owner ", i, " of ", key, " holds ", replicas[i].siblings().size(), " versions"));
      }
      if (replicas[i].Encode() != replicas[0].Encode()) {
        Report("I3", absl::StrCat("owners 0 and ", i, " of ", key, " differ after the heal and a read"));
      }
    }
    const bool empty = replicas.empty() || replicas[0].siblings().empty();
    const Sibling* last = empty ? nullptr : &replicas[0].siblings()[0];
    for (const MutationRecord& m : history_.mutations()) {
      if (m.key != key) continue;
      JudgeStamps(m);
      if (m.status == OpStatus::kOk) JudgeAcked(m, last);
    }
    for (const ReadRecord& read : history_.reads()) {
      if (read.key == key) JudgeRead(read, last);
    }
  }

 private:
  void Report(const char* invariant, std::string what) { out_->push_back({invariant, std::move(what)}); }

  // The lowest rank under which a mutation was minted; a retry that could not know may have minted it twice.
  std::optional<Rank> LowestRank(MutationId id) const {
    std::optional<Rank> lowest;
    for (const Dot& dot : versions_.dots_of(id)) {
      const Sibling* version = versions_.version_of(dot);
      if (version != nullptr && (!lowest.has_value() || RankOf(*version) < *lowest)) lowest = RankOf(*version);
    }
    return lowest;
  }

  bool MintedOnce(MutationId id) const { return versions_.dots_of(id).size() == 1; }

  void JudgeStamps(const MutationRecord& m) {
    const std::optional<Rank> mine = LowestRank(m.id);
    if (!mine.has_value()) return;
    for (MutationId seen : m.observed) {
      const std::optional<Rank> theirs = LowestRank(seen);
      if (theirs.has_value() && theirs->first >= mine->first) {
        Report("I4",
               absl::StrCat("v", m.id, " of ", m.key, " is not stamped above v", seen, ", which its writer had seen"));
      }
    }
  }

  void JudgeAcked(const MutationRecord& m, const Sibling* last) {
    const std::optional<Rank> mine = LowestRank(m.id);
    if (last == nullptr) {
      Report("I1", absl::StrCat("v", m.id, " of ", m.key, " was acknowledged, and the key is gone"));
      return;
    }
    if (mine.has_value() && RankOf(*last) < *mine) {
      Report("I1",
             absl::StrCat("acked v", m.id, " of ", m.key, " lost against v", LwwIdOf(*last), " of a lower stamp"));
    }
    if (MintedOnce(LwwIdOf(*last)) && Ancestors(m).contains(LwwIdOf(*last))) {
      Report("I1", absl::StrCat("acked v", m.id, " of ", m.key, " lost against v", LwwIdOf(*last),
                                ", which its writer had seen"));
    }
  }

  void JudgeRead(const ReadRecord& read, const Sibling* last) {
    if (read.values.size() > 1) {
      Report("I4", absl::StrCat("a read of ", read.key, " shows ", read.values.size(), " values"));
    }
    if (!read.final) return;
    const bool live = last != nullptr && !last->tombstone;
    const bool same = live ? read.values == std::vector<MutationId>{LwwIdOf(*last)} : read.values.empty();
    if (!same) Report("I1", absl::StrCat("a final read of ", read.key, " doesn't show what the replicas hold"));
  }

  // What the writer of `m` had seen, and what the writers of that had.
  std::set<MutationId> Ancestors(const MutationRecord& m) const {
    std::set<MutationId> seen = m.observed;
    std::deque<MutationId> queue(seen.begin(), seen.end());
    while (!queue.empty()) {
      const MutationRecord* next = history_.Find(queue.front());
      queue.pop_front();
      if (next == nullptr) continue;
      for (MutationId id : next->observed) {
        if (seen.insert(id).second) queue.push_back(id);
      }
    }
    return seen;
  }

  const History& history_;
  const LwwVersions& versions_;
  Violations* out_;
};

}  // namespace

void CheckLastWriterWins(const History& history, const FinalStates& finals, const LwwVersions& versions,
                         Violations* out) {
  Judge judge(history, versions, out);
  for (const auto& [key, replicas] : finals) judge.JudgeKey(key, replicas);
}

}  // namespace henge::sim
