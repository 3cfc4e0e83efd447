#include "tests/sim/monitored_hints.h"

#include "core/model/object_builder.h"

namespace henge::sim {
namespace {

// Rounds that find nothing follow each other twice a second.
constexpr int kPagesPassedOver = 120;

// Only the last version of `bytes`, and no more history than its own.
std::string LastVersionOf(const std::string& bytes) {
  absl::StatusOr<Object> object = Object::Decode(bytes);
  if (!object.ok() || object->siblings().empty()) return bytes;
  Object last;
  ObjectBuilder::Add(last, object->siblings().back());
  return last.Encode();
}

}  // namespace

// What can be read is durable, also if the process died before it heard so.
void MonitoredHintStore::NoteRead(const HintKey& key, const StoredHint& hint) {
  absl::StatusOr<Object> object = Object::Decode(hint.object);
  if (!object.ok()) return;
  monitor_.OnHintDurable(node_, key.record.key, object->vv());
  monitor_.hints().OnSeen(node_, key, object->vv());
}

void MonitoredHintStore::Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) {
  std::vector<HintKey> asked = keys;
  auto noted = [this, asked = std::move(asked), done = std::move(done)](std::vector<ReadResult> results) mutable {
    for (size_t i = 0; i < asked.size(); ++i) {
      if (results[i].ok() && results[i]->has_value()) NoteRead(asked[i], **results[i]);
    }
    done(std::move(results));
  };
  store_->Read(std::move(keys), loop, std::move(noted));
}

void MonitoredHintStore::ReadPage(PageQuery query, Executor& loop, PageDone done) {
  if (bug_ == HintBug::kPassOver && ++passed_over_[query.target] <= kPagesPassedOver) {
    loop.Post([done = std::move(done)]() mutable { done(Page{.done = true}); });
    return;
  }
  store_->ReadPage(std::move(query), loop, [this, done = std::move(done)](absl::StatusOr<Page> page) mutable {
    if (page.ok()) {
      for (const auto& [key, hint] : page->items) NoteRead(key, hint);
    }
    done(std::move(page));
  });
}

void MonitoredHintStore::Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) {
  struct Step {
    HintChange::Kind kind;
    HintKey key;
    VersionVector vv;
    uint32_t needed = 0;
  };
  std::vector<Step> steps;
  steps.reserve(changes.size());
  for (HintChange& change : changes) {
    Step& step = steps.emplace_back(Step{change.kind, change.key, {}, 0});
    step.needed = change.hint.needed;
    const bool goes = change.kind == HintChange::Kind::kRemove || change.kind == HintChange::Kind::kMark;
    if (goes) monitor_.OnHintRemoval(node_, change.key);
    if (change.kind != HintChange::Kind::kPut) continue;
    if (bug_ == HintBug::kOverwrite) change.hint.object = LastVersionOf(change.hint.object);
    absl::StatusOr<Object> object = Object::Decode(change.hint.object);
    if (!object.ok()) continue;
    step.vv = object->vv();
    monitor_.OnHint(change.key.record.key, *object);
    monitor_.hints().OnPut(node_, change.key, step.vv);
  }
  auto noted = [this, steps = std::move(steps),
                done = std::move(done)](absl::StatusOr<std::vector<HintEffect>> effects) mutable {
    for (size_t i = 0; i < steps.size(); ++i) {
      const auto& [kind, key, vv, needed] = steps[i];
      const bool took_effect = effects.ok() && (*effects)[i].took_effect;
      if (kind == HintChange::Kind::kRemove) monitor_.OnHintRemovalEnd(node_, key, took_effect);
      if (kind == HintChange::Kind::kMark) monitor_.OnHintMarkEnd(node_, key, took_effect, needed);
      if (kind != HintChange::Kind::kPut || !took_effect || vv.empty()) continue;
      monitor_.OnHintDurable(node_, key.record.key, vv);
      monitor_.hints().OnPutDurable(node_, key, vv);
    }
    done(std::move(effects));
  };
  if (bug_ == HintBug::kForget && ++commits_ % 4 == 0) {
    std::vector<HintEffect> pretended(changes.size(), HintEffect{.took_effect = true});
    loop.Post([noted = std::move(noted), pretended = std::move(pretended)]() mutable { noted(std::move(pretended)); });
    return;
  }
  store_->Commit(std::move(changes), loop, std::move(noted));
}

}  // namespace henge::sim
