#include "tests/sim/monitor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/model/object_builder.h"
#include "node/state/state_store.h"

namespace henge::sim {
namespace {

std::string Show(const Dot& dot) {
  return absl::StrCat(absl::Hex(dot.actor.store.value()), ".", absl::Hex(dot.actor.lifetime.value()), ".",
                      dot.actor.epoch, ":", dot.counter);
}

}  // namespace

void Monitor::NoteVersions(const std::string& key, const Object& object) {
  for (const Sibling& s : object.siblings()) {
    auto [it, fresh] = dots_.try_emplace(s.dot, Minting{key, s});
    if (!fresh && (it->second.key != key || it->second.sibling != s)) {
      violations_.push_back(
          {"I5", absl::StrCat("dot ", Show(s.dot), " names two versions, of ", it->second.key, " and ", key)});
    }
    if (!fresh) continue;
    const auto id = static_cast<MutationId>(s.op_id.low);
    dots_of_[id].push_back(s.dot);
    if (s.tombstone) tombstones_[key].emplace(s.dot, id);
  }
}

void Monitor::OnHint(const std::string& key, const Object& object) { NoteVersions(key, object); }

void Monitor::OnHintDurable(int node, const std::string& key, const VersionVector& vv) {
  hinted_ever_[{node, key}].Join(vv);
}

void Monitor::OnHintRemoval(int node, const HintKey& key) {
  hints_removed_.emplace(node, key.record.key);
  hints_.OnRemoval(node, key);
}

void Monitor::OnHintRemovalEnd(int node, const HintKey& key, bool removed) {
  const auto at = durable_ever_.find({static_cast<int>(key.target.value()), key.record.key});
  hints_.OnRemovalEnd(node, key, removed, at == durable_ever_.end() ? nullptr : &at->second);
}

void Monitor::OnHintMarkEnd(int node, const HintKey& key, bool marked, uint32_t needed) {
  hints_.OnMarkEnd(node, key, marked, needed, [this, &key](const VersionVector& vv) {
    uint32_t holders = 0;
    for (const auto& [place, held] : durable_ever_) {
      holders += place.second == key.record.key && held.Covers(vv) ? 1 : 0;
    }
    return holders;
  });
}

void Monitor::OnCommit(int node, const std::string& key, const Object& object) {
  NoteVersions(key, object);
  VersionVector& newest = newest_[{node, key}];
  if (!object.vv().Covers(newest)) {
    violations_.push_back({"I6", absl::StrCat("the context of ", key, " on node ", node, " went back")});
  }
  newest = object.vv();
}

void Monitor::OnDurable(int node, const std::string& key, const VersionVector& vv) {
  durable_[{node, key}].Join(vv);
  durable_ever_[{node, key}].Join(vv);
}

void Monitor::OnCrash(int node) {
  hints_.OnCrash(node);
  for (auto it = newest_.begin(); it != newest_.end();) {
    it = it->first.first == node ? newest_.erase(it) : std::next(it);
  }
  for (const auto& [at, vv] : durable_) {
    if (at.first == node) newest_[at] = vv;
  }
}

void Monitor::OnWipe(int node) {
  hints_.OnWipe(node);
  std::erase_if(newest_, [node](const auto& e) { return e.first.first == node; });
  std::erase_if(durable_, [node](const auto& e) { return e.first.first == node; });
}

std::set<int> Monitor::HoldersOf(const std::vector<Dot>& dots, const std::string& key,
                                 const std::map<NodeKey, VersionVector>& durable) const {
  std::set<int> holders;
  for (const auto& [at, vv] : durable) {
    if (at.second != key) continue;
    if (std::any_of(dots.begin(), dots.end(), [&vv = vv](const Dot& d) { return vv.Covers(d); })) {
      holders.insert(at.first);
    }
  }
  return holders;
}

void Monitor::OnAck(const MutationRecord& m) {
  const std::vector<Dot> dots = DotsOf(m.id);
  // A later writer's version may have taken its place before the batch was handed over: what is durable then covers it.
  if (dots.empty() && m.last_writer_wins) return;
  const std::set<int> owners = HoldersOf(dots, m.key, durable_ever_);
  const std::set<int> hinted = HoldersOf(dots, m.key, hinted_ever_);
  std::set<int> all = owners;
  all.insert(hinted.begin(), hinted.end());
  // H14: a strict write is acknowledged by owners alone.
  const bool counts_add_up = m.durable == m.primaries + m.fallbacks && (m.strict ? m.primaries : m.durable) >= m.w;
  if (counts_add_up && owners.size() >= m.primaries && hinted.size() >= m.fallbacks && all.size() >= m.durable) return;
  violations_.push_back({"I12", absl::StrCat("v", m.id, " of ", m.key, " was acknowledged as durable on ", m.durable,
                                             " nodes (w=", m.w, ", owners ", m.primaries, ", fallbacks ", m.fallbacks,
                                             "), but only these owners hold it: ", absl::StrJoin(owners, ","),
                                             "; and these a hint: ", absl::StrJoin(hinted, ","))});
}

std::vector<Dot> Monitor::DotsOf(MutationId id) const {
  auto it = dots_of_.find(id);
  return it == dots_of_.end() ? std::vector<Dot>{} : it->second;
}

const Sibling* Monitor::VersionOf(const Dot& dot) const {
  auto it = dots_.find(dot);
  return it == dots_.end() ? nullptr : &it->second.sibling;
}

std::set<MutationId> Monitor::TombstonesCovered(const std::string& key, const VersionVector& vv) const {
  std::set<MutationId> covered;
  auto it = tombstones_.find(key);
  if (it == tombstones_.end()) return covered;
  for (const auto& [dot, id] : it->second) {
    if (vv.Covers(dot)) covered.insert(id);
  }
  return covered;
}

std::vector<StoreEngine::ReadResult> MonitoredEngine::ReadCached(std::span<const RecordKey* const> keys) {
  std::vector<ReadResult> results = engine_->ReadCached(keys);
  for (size_t i = 0; i < keys.size(); ++i) NoteRead(keys[i]->key, results[i]);
  Spoil(&results);
  return results;
}

void MonitoredEngine::CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) {
  const bool forget = (bug_ == EngineBug::kForgetVotes && name == kVoteNote) ||
                      (bug_ == EngineBug::kForgetStates && name == kStateNote);
  if (forget) name = "forgotten";
  engine_->CommitMeta(std::move(name), std::move(value), loop, std::move(done));
}

void MonitoredEngine::ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const RecordKey& key : keys) names.push_back(key.key);
  auto noted = [this, names = std::move(names), done = std::move(done)](std::vector<ReadResult> results) mutable {
    for (size_t i = 0; i < names.size(); ++i) NoteRead(names[i], results[i]);
    Spoil(&results);
    done(std::move(results));
  };
  engine_->ReadBlocking(std::move(keys), loop, std::move(noted));
}

// What can be read is durable, also if the process died before it heard so.
void MonitoredEngine::NoteRead(const std::string& key, const ReadResult& result) {
  if (!result.ok() || !result->has_value()) return;
  absl::StatusOr<Object> object = Object::Decode((*result)->object);
  if (object.ok()) monitor_.OnDurable(node_, key, object->vv());
}

void MonitoredEngine::Spoil(std::vector<ReadResult>* results) const {
  if (bug_ != EngineBug::kAbsentOnReadError) return;
  for (ReadResult& r : *results) {
    if (absl::IsDataLoss(r.status())) r = std::optional<StoredRecord>{};
  }
}

void MonitoredEngine::OverwriteNext(const std::string& key, std::string object) {
  if (object.empty()) {
    overwrites_.erase(key);
  } else {
    overwrites_[key] = std::move(object);
  }
}

// Bugs that change what is stored.
void MonitoredEngine::Plant(CommitItem* item) {
  absl::StatusOr<Object> object = Object::Decode(item->record.object);
  if (!object.ok()) return;
  const auto& siblings = object->siblings();
  if (bug_ == EngineBug::kStaleLeaf && !item->record.mark.has_value()) item->leaf_delta = 0;
  if (bug_ == EngineBug::kDropSibling && siblings.size() > 1) {
    auto& kept = ObjectBuilder::Siblings(*object);
    kept.erase(kept.begin(), std::prev(kept.end()));
    item->record.object = object->Encode();
  }
  const bool deleted =
      !siblings.empty() && std::all_of(siblings.begin(), siblings.end(), [](const Sibling& s) { return s.tombstone; });
  if (bug_ == EngineBug::kForgetTombstones && deleted) item->record.object = Object().Encode();
}

void MonitoredEngine::Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) {
  std::vector<std::pair<std::string, VersionVector>> written;
  for (CommitItem& item : items) {
    if (auto other = overwrites_.extract(item.key.key)) item.record.object = std::move(other.mapped());
    absl::StatusOr<Object> object = Object::Decode(item.record.object);
    if (!object.ok()) continue;
    monitor_.OnCommit(node_, item.key.key, *object);
    written.emplace_back(item.key.key, object->vv());
    if (bug_ != EngineBug::kNone) Plant(&item);
  }
  auto durable = [this, written = std::move(written)] {
    for (const auto& [key, vv] : written) monitor_.OnDurable(node_, key, vv);
  };
  ++commits_;
  if (bug_ == EngineBug::kForgetWrites && commits_ % 8 == 0) {
    // Answered in its turn: only the writes are forgotten, not the order of commits.
    engine_->Commit({}, loop,
                    [items = std::move(items), done = std::move(done)](absl::Status s, const auto& /*none*/) mutable {
                      done(std::move(s), std::move(items));
                    });
    return;
  }
  if (bug_ == EngineBug::kAckBeforeCommit) {
    loop.Post([items, done = std::move(done)]() mutable { done(absl::OkStatus(), std::move(items)); });
    engine_->Commit(std::move(items), loop,
                    [durable = std::move(durable)](const absl::Status& s, const auto& /*items*/) {
                      if (s.ok()) durable();
                    });
    return;
  }
  engine_->Commit(
      std::move(items), loop,
      [durable = std::move(durable), done = std::move(done)](absl::Status s, std::vector<CommitItem> back) mutable {
        if (s.ok()) durable();
        done(std::move(s), std::move(back));
      });
}

}  // namespace henge::sim
