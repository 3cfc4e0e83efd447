#include "tests/sim/session_checker.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace henge::sim {
namespace {

// A retry that could not find the first attempt mints again; who saw one of the two versions replaces only that (P8).
bool MintedOnce(const History& history, MutationId id) {
  const MutationRecord* m = history.Find(id);
  return m != nullptr && m->times_minted <= 1;
}

// The values in `read` that `gone` names.
std::vector<MutationId> Shown(const History& history, const ReadRecord& read, const std::set<MutationId>& gone) {
  std::vector<MutationId> shown;
  for (MutationId value : read.values) {
    if (gone.contains(value) && MintedOnce(history, value)) shown.push_back(value);
  }
  return shown;
}

// What one client was told about one key.
struct Session {
  std::set<MutationId> written;  // acknowledged
  std::set<MutationId> read;
};

}  // namespace

void CheckNoResurrection(const History& history, Violations* out) {
  for (const MutationRecord& d : history.mutations()) {
    if (!d.is_delete || d.covers_by_server || d.status != OpStatus::kOk) continue;
    const std::set<MutationId> gone = history.Ancestors({d.id});
    if (gone.empty()) continue;
    for (const ReadRecord& read : history.reads()) {
      if (read.key != d.key) continue;
      const bool own = d.strict && read.strict && read.client == d.client && read.invoked_at > d.done_at;
      if (!read.final && !own) continue;
      for (MutationId value : Shown(history, read, gone)) {
        out->push_back({"I7", absl::StrCat(read.final ? "a final" : "its own client's", " read of ", d.key, " shows v",
                                           value, ", which the acknowledged delete v", d.id, " had removed")});
      }
    }
  }
}

void CheckSessions(const History& history, Violations* out) {
  std::vector<const ReadRecord*> reads;
  for (const ReadRecord& read : history.reads()) {
    if (read.strict && !read.final) reads.push_back(&read);
  }
  std::stable_sort(reads.begin(), reads.end(),
                   [](const ReadRecord* a, const ReadRecord* b) { return a->invoked_at < b->invoked_at; });
  std::map<std::pair<int, std::string>, Session> sessions;
  for (const ReadRecord* read : reads) {
    Session& session = sessions[{read->client, read->key}];
    for (const MutationRecord& m : history.mutations()) {
      const bool own = m.strict && m.client == read->client && m.key == read->key && m.status == OpStatus::kOk;
      if (own && m.done_at < read->invoked_at) session.written.insert(m.id);
    }
    std::set<MutationId> knows = history.Ancestors(read->known);
    knows.insert(read->known.begin(), read->known.end());
    const auto judge = [&](const std::set<MutationId>& owed, const char* guarantee) {
      std::vector<MutationId> missing;
      std::set_difference(owed.begin(), owed.end(), knows.begin(), knows.end(), std::back_inserter(missing));
      if (missing.empty()) return;
      out->push_back({"I9", absl::StrCat(guarantee, ": client ", read->client, " strictly reads {",
                                         absl::StrJoin(read->values, ","), "} of ", read->key, " without v",
                                         absl::StrJoin(missing, ",v"), ", or what replaced it")});
    };
    judge(session.written, "read your writes");
    judge(session.read, "monotonic reads");
    session.read.insert(read->known.begin(), read->known.end());
  }
}

void CheckContextsFollow(const History& history, Violations* out) {
  for (const ReadRecord& read : history.reads()) {
    if (read.context_covers_past) continue;
    out->push_back({"I9", absl::StrCat("a context returned for ", read.key,
                                       " does not cover what the writer of a value returned with it had seen")});
  }
}

}  // namespace henge::sim
