#include "tests/sim/checkers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/sim/register_checker.h"
#include "tests/sim/session_checker.h"

namespace henge::sim {
namespace {

MutationId IdOf(const Sibling& sibling) { return static_cast<MutationId>(sibling.op_id.low); }

Object MergedFinal(const std::vector<Object>& replicas) {
  Object all;
  for (const Object& replica : replicas) all.Merge(replica);
  return all;
}

bool MayApply(const MutationRecord& m) { return m.status != OpStatus::kFail; }

// A delete without a context covers what its coordinator read: any write of the key that began before it ended.
bool CoveredByServer(const History& history, const MutationRecord& put) {
  return std::any_of(history.mutations().begin(), history.mutations().end(), [&](const MutationRecord& d) {
    return d.covers_by_server && d.key == put.key && MayApply(d) &&
           (d.status != OpStatus::kOk || put.invoked_at <= d.done_at);
  });
}

}  // namespace

void CheckNoAckedWriteLost(const History& history, const FinalStates& finals, Violations* out) {
  for (const auto& [key, replicas] : finals) {
    std::set<MutationId> present;
    for (const Sibling& s : MergedFinal(replicas).siblings()) present.insert(IdOf(s));
    const std::set<MutationId> superseded = history.Ancestors(present);
    for (const MutationRecord& m : history.mutations()) {
      if (m.key != key || m.status != OpStatus::kOk || m.is_delete) continue;
      if (present.contains(m.id) || superseded.contains(m.id) || CoveredByServer(history, m)) continue;
      out->push_back(
          {"I1", absl::StrCat("acked write v", m.id, " of ", key, " is lost; present: ", absl::StrJoin(present, ","))});
    }
  }
}

void CheckFinalReads(const History& history, const FinalStates& finals, Violations* out) {
  for (const ReadRecord& read : history.reads()) {
    if (!read.final) continue;
    auto it = finals.find(read.key);
    if (it == finals.end()) continue;
    std::set<MutationId> live;
    for (const Sibling& s : MergedFinal(it->second).siblings()) {
      if (!s.tombstone) live.insert(IdOf(s));
    }
    const std::set<MutationId> shown(read.values.begin(), read.values.end());
    if (shown != live) {
      out->push_back({"I1", absl::StrCat("final read of ", read.key, " shows {", absl::StrJoin(shown, ","),
                                         "}, the replicas hold {", absl::StrJoin(live, ","), "}")});
    }
  }
}

void CheckNoPhantoms(const History& history, Violations* out) {
  for (const ReadRecord& read : history.reads()) {
    for (MutationId id : read.values) {
      const MutationRecord* m = history.Find(id);
      if (m == nullptr || m->key != read.key || m->is_delete) {
        out->push_back({"I2", absl::StrCat("read of ", read.key, " shows v", id, ", which was never written there")});
      } else if (m->status == OpStatus::kFail) {
        out->push_back(
            {"I2", absl::StrCat("read of ", read.key, " shows v", id, ", which was reported as not applied")});
      } else if (m->invoked_at > read.done_at) {
        out->push_back({"I2", absl::StrCat("read of ", read.key, " shows v", id, " before it was written")});
      }
    }
  }
}

void CheckConvergence(const FinalStates& finals, Violations* out) {
  for (const auto& [key, replicas] : finals) {
    for (size_t i = 1; i < replicas.size(); ++i) {
      if (replicas[i].Encode() != replicas[0].Encode()) {
        out->push_back({"I3", absl::StrCat("replicas 0 and ", i, " of ", key, " differ after the heal and a read")});
      }
    }
  }
}

void CheckCausality(const History& history, Violations* out) {
  for (const ReadRecord& read : history.reads()) {
    if (!read.context_covers_values) {
      out->push_back(
          {"I4", absl::StrCat("a context returned for ", read.key, " does not cover a value returned with it")});
    }
    for (MutationId writer : read.values) {
      const std::set<MutationId> past = history.Witnessed({writer});
      for (MutationId other : read.values) {
        const MutationRecord* m = history.Find(other);
        // A retry that could not find the first attempt mints again; a writer can have seen one dot of the two (P8).
        if (m == nullptr || m->times_minted > 1 || other == writer || !past.contains(other)) continue;
        out->push_back({"I4", absl::StrCat("read of ", read.key, " shows v", other, " beside v", writer,
                                           ", whose writer had seen it")});
      }
    }
  }
}

namespace {

// Those writes of a client that descend from none of its own before them on that key, as far as one write can descend
// from one: the beginnings of its chains. A write on the context of its own blind one begins another chain.
std::set<MutationId> ChainHeads(const History& history) {
  std::set<MutationId> heads;
  std::map<std::pair<int, std::string>, std::set<MutationId>> tips;
  for (const MutationRecord& m : history.mutations()) {
    if (m.is_delete || m.blind || m.status != OpStatus::kOk || m.times_minted > 1) continue;
    std::set<MutationId>& mine = tips[{m.client, m.key}];
    const std::set<MutationId> past = history.Ancestors({m.id});
    const auto own = std::find_if(mine.begin(), mine.end(), [&](MutationId tip) { return past.contains(tip); });
    if (own == mine.end()) {
      heads.insert(m.id);
    } else {
      mine.erase(own);
    }
    mine.insert(m.id);
  }
  return heads;
}

}  // namespace

void CheckSiblingBound(const History& history, Violations* out) {
  const std::set<MutationId> heads = ChainHeads(history);
  for (const ReadRecord& read : history.reads()) {
    std::set<MutationId> distinct(read.values.begin(), read.values.end());
    if (distinct.size() != read.values.size()) {
      out->push_back({"I8", absl::StrCat("read of ", read.key, " shows one write twice")});
    }
    size_t chains = 0;
    size_t extra = 0;  // writes that nothing needs to descend from: blind ones, and those of unknown outcome
    for (const MutationRecord& m : history.mutations()) {
      if (m.key != read.key || m.is_delete || m.invoked_at > read.done_at || !MayApply(m)) continue;
      if (m.blind || m.status != OpStatus::kOk || m.times_minted > 1) {
        ++extra;
      } else {
        chains += heads.contains(m.id) ? 1 : 0;
      }
    }
    if (distinct.size() > chains + extra) {
      out->push_back({"I8", absl::StrCat("read of ", read.key, " shows ", distinct.size(), " siblings; ", chains,
                                         " chains of writes and ", extra, " free writes can't make so many")});
    }
  }
}

Violations CheckAll(const History& history, const FinalStates& finals, bool disk_lost) {
  Violations out;
  CheckNoAckedWriteLost(history, finals, &out);
  CheckFinalReads(history, finals, &out);
  CheckNoPhantoms(history, &out);
  CheckConvergence(finals, &out);
  CheckCausality(history, &out);
  if (!disk_lost) CheckSiblingBound(history, &out);
  CheckNoResurrection(history, &out);
  CheckSessions(history, &out);
  CheckContextsFollow(history, &out);
  CheckRegular(history, &out);
  return out;
}

}  // namespace henge::sim
