#include "tests/sim/monitored_hints.h"

#include "core/model/object.h"

namespace henge::sim {

// What can be read is durable, also if the process died before it heard so.
void MonitoredHintStore::NoteRead(const std::string& key, const StoredHint& hint) {
  absl::StatusOr<Object> object = Object::Decode(hint.object);
  if (object.ok()) monitor_.OnHintDurable(node_, key, object->vv());
}

void MonitoredHintStore::Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const HintKey& key : keys) names.push_back(key.record.key);
  auto noted = [this, names = std::move(names), done = std::move(done)](std::vector<ReadResult> results) mutable {
    for (size_t i = 0; i < names.size(); ++i) {
      if (results[i].ok() && results[i]->has_value()) NoteRead(names[i], **results[i]);
    }
    done(std::move(results));
  };
  store_->Read(std::move(keys), loop, std::move(noted));
}

void MonitoredHintStore::ReadPage(PageQuery query, Executor& loop, PageDone done) {
  store_->ReadPage(std::move(query), loop, [this, done = std::move(done)](absl::StatusOr<Page> page) mutable {
    if (page.ok()) {
      for (const auto& [key, hint] : page->items) NoteRead(key.record.key, hint);
    }
    done(std::move(page));
  });
}

void MonitoredHintStore::Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) {
  struct Written {
    size_t index;
    std::string key;
    VersionVector vv;
  };
  std::vector<Written> written;
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::string& key = changes[i].key.record.key;
    const bool removal = changes[i].kind == HintChange::Kind::kRemove || changes[i].kind == HintChange::Kind::kMark;
    if (removal) monitor_.OnHintRemoval(node_, key);
    if (changes[i].kind != HintChange::Kind::kPut) continue;
    absl::StatusOr<Object> object = Object::Decode(changes[i].hint.object);
    if (!object.ok()) continue;
    monitor_.OnHint(key, *object);
    written.push_back({i, key, object->vv()});
  }
  auto noted = [this, written = std::move(written),
                done = std::move(done)](absl::StatusOr<std::vector<HintEffect>> effects) mutable {
    for (const Written& w : written) {
      if (effects.ok() && (*effects)[w.index].took_effect) monitor_.OnHintDurable(node_, w.key, w.vv);
    }
    done(std::move(effects));
  };
  store_->Commit(std::move(changes), loop, std::move(noted));
}

}  // namespace henge::sim
