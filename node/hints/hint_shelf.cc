#include "node/hints/hint_shelf.h"

#include <algorithm>
#include <utility>

#include "core/runtime/check.h"

namespace henge {

// The changes of one turn on their way to the disk.
struct HintShelf::Batch {
  struct Step {
    HintKey key;
    HintChange::Kind kind;
    uint64_t sequence = 0;
    int64_t expected_bytes = 0;  // counted in projected_bytes_ already
    DurableFn durable;           // of a put
    RemoveFn removed;            // of a removal
  };
  std::vector<HintChange> changes;
  std::vector<Step> steps;  // one for each change
  std::vector<std::pair<HintKey, DurableFn>> waiting;
};

HintShelf::HintShelf(HintStore& store, Executor& loop, int shard, int shards)
    : store_(store), loop_(loop), shard_(shard), shards_(shards), alive_(std::make_shared<bool>(true)) {
  for (const HintStore::Census& entry : store.census()) {
    if (entry.partition.value() % shards != shard) continue;
    Pending& pending = pending_[entry.target];
    pending.count += entry.count;
    pending.bytes += entry.bytes;
    projected_bytes_ += static_cast<int64_t>(entry.bytes);
  }
}

HintShelf::~HintShelf() = default;

// ---- Loads ----

void HintShelf::Load(RecordKey key, LoadFn done) {
  KeyState& state = states_[key];
  state.waiting.push_back(std::move(done));
  if (state.queued) return;
  state.queued = true;
  to_serve_.push_back(std::move(key));
  if (to_serve_.size() > 1) return;
  loop_.AtTurnEnd(TurnPhase::kRead, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) FlushLoads();
  });
}

void HintShelf::FlushLoads() {
  std::vector<RecordKey> asked = std::exchange(to_serve_, {});
  const absl::Status health = store_.health();
  std::vector<MemberId> targets;
  for (const auto& [target, pending] : pending_) targets.push_back(target);
  for (const auto& [target, puts] : puts_under_way_) {
    if (!pending_.contains(target)) targets.push_back(target);
  }
  std::vector<HintKey> keys;
  std::vector<RecordKey> loading;
  for (RecordKey& key : asked) {
    KeyState& state = states_.at(key);
    if (state.poisoned && state.commits_under_way > 0) {
      Serve(key, absl::UnavailableError("a hint for the key could not be written: try another node"));
      continue;
    }
    if (std::exchange(state.poisoned, false)) {
      state.loaded = false;
      state.targets.clear();
    }
    if (health.ok() && !state.loaded && !targets.empty()) {
      for (MemberId target : targets) keys.push_back({target, key});
      loading.push_back(std::move(key));
      continue;
    }
    state.loaded = true;
    Serve(key, health);
  }
  if (loading.empty()) return;
  std::vector<HintKey> wanted = keys;
  store_.Read(std::move(wanted), loop_,
              [this, alive = std::weak_ptr<bool>(alive_), keys = std::move(keys),
               loading = std::move(loading)](std::vector<HintStore::ReadResult> results) mutable {
                if (!alive.expired()) OnLoaded(keys, std::move(results), std::move(loading));
              });
}

void HintShelf::OnLoaded(const std::vector<HintKey>& keys, std::vector<HintStore::ReadResult> results,
                         std::vector<RecordKey> loaded) {
  const absl::Status health = store_.health();
  const size_t per_key = keys.size() / loaded.size();
  size_t next = 0;
  for (const RecordKey& key : loaded) {
    KeyState& state = states_.at(key);
    absl::Status status = health;
    for (size_t i = 0; i < per_key; ++i, ++next) {
      HintStore::ReadResult& result = results[next];
      if (result.ok() && !result->has_value()) continue;
      absl::StatusOr<Object> object = result.ok() ? Object::Decode((*result)->object) : result.status();
      if (!object.ok()) {
        if (absl::IsDataLoss(result.status())) SetAside(keys[next]);
        status.Update(object.status());
        continue;
      }
      state.targets[keys[next].target] = {.object = *std::move(object),
                                          .digest = ObjectDigest((*result)->object),
                                          .bytes = HintBytes(keys[next], **result),
                                          .needed = (*result)->needed,
                                          .stored_at_ms = (*result)->stored_at_ms};
    }
    state.loaded = status.ok();
    if (!status.ok()) state.targets.clear();
    Serve(key, std::move(status));
  }
}

// A callback may load the key again: that is served at a later turn's end.
void HintShelf::Serve(const RecordKey& key, absl::Status status) {
  KeyState& state = states_.at(key);
  state.queued = false;
  std::vector<LoadFn> waiting = std::exchange(state.waiting, {});
  for (LoadFn& done : waiting) {
    if (status.ok()) {
      done(&state.targets);
    } else {
      done(status);
    }
  }
  DropIfIdle(key);
}

void HintShelf::DropIfIdle(const RecordKey& key) {
  auto at = states_.find(key);
  if (at == states_.end()) return;
  const KeyState& state = at->second;
  if (state.commits_under_way == 0 && state.waiting.empty() && !state.queued) states_.erase(at);
}

// ---- Changes ----

HintShelf::Batch& HintShelf::OpenBatch() {
  if (batch_ != nullptr) return *batch_;
  batch_ = std::make_shared<Batch>();
  loop_.AtTurnEnd(TurnPhase::kCommit, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) FlushCommit();
  });
  return *batch_;
}

void HintShelf::Put(const HintKey& key, Write write, DurableFn durable) {
  KeyState& state = states_.at(key.record);
  Batch& batch = OpenBatch();
  Kept& kept = state.targets[key.target];
  kept.needed = std::max(kept.needed, write.needed);
  if (kept.stored_at_ms == 0) kept.stored_at_ms = write.now_ms;
  kept.digest = ObjectDigest(write.encoded);
  kept.object = std::move(write.object);
  kept.removing = false;
  kept.batch = batch_;
  kept.sequence = ++last_sequence_;
  HintChange change{
      .kind = HintChange::Kind::kPut,
      .key = key,
      .hint = {.object = std::move(write.encoded), .needed = kept.needed, .stored_at_ms = kept.stored_at_ms}};
  const uint64_t bytes = HintBytes(key, change.hint);
  const int64_t growth = static_cast<int64_t>(bytes) - static_cast<int64_t>(kept.bytes);
  kept.bytes = bytes;
  projected_bytes_ += growth;
  ++state.commits_under_way;
  ++puts_under_way_[key.target];
  batch.changes.push_back(std::move(change));
  batch.steps.push_back({.key = key,
                         .kind = HintChange::Kind::kPut,
                         .sequence = kept.sequence,
                         .expected_bytes = growth,
                         .durable = std::move(durable)});
}

void HintShelf::AwaitDurable(const HintKey& key, DurableFn durable) {
  Kept& kept = states_.at(key.record).targets.at(key.target);
  absl::Status health = store_.health();
  if (!health.ok() || kept.durable()) {
    durable(std::move(health));
    return;
  }
  kept.batch->waiting.emplace_back(key, std::move(durable));
}

void HintShelf::Remove(HintKey key, uint64_t digest, RemoveFn done) {
  RecordKey record = key.record;
  Load(std::move(record),
       [this, key = std::move(key), digest, done = std::move(done)](absl::StatusOr<const Targets*> targets) mutable {
         if (!targets.ok()) {
           done(targets.status());
           return;
         }
         KeyState& state = states_.at(key.record);
         auto at = state.targets.find(key.target);
         if (at == state.targets.end() || !at->second.durable() || at->second.digest != digest) {
           done(false);
           return;
         }
         Batch& batch = OpenBatch();
         at->second.removing = true;
         ++state.commits_under_way;
         batch.changes.push_back({.kind = HintChange::Kind::kRemove, .key = key, .digest = digest});
         batch.steps.push_back({.key = std::move(key),
                                .kind = HintChange::Kind::kRemove,
                                .sequence = at->second.sequence,
                                .removed = std::move(done)});
       });
}

void HintShelf::SetAside(HintKey key) {
  ++set_aside_;
  Batch& batch = OpenBatch();
  ++states_[key.record].commits_under_way;
  batch.changes.push_back({.kind = HintChange::Kind::kSetAside, .key = key});
  batch.steps.push_back({.key = std::move(key), .kind = HintChange::Kind::kSetAside});
}

void HintShelf::FlushCommit() {
  std::shared_ptr<Batch> batch = std::exchange(batch_, nullptr);
  std::vector<HintChange> changes = std::exchange(batch->changes, {});
  store_.Commit(std::move(changes), loop_,
                [this, alive = std::weak_ptr<bool>(alive_), batch](absl::StatusOr<std::vector<HintEffect>> effects) {
                  if (!alive.expired()) OnCommitted(*batch, std::move(effects));
                });
}

void HintShelf::OnCommitted(Batch& batch, absl::StatusOr<std::vector<HintEffect>> effects) {
  HENGE_CHECK(!effects.ok() || effects->size() == batch.steps.size());
  std::vector<Batch::Step> steps = std::exchange(batch.steps, {});
  for (size_t i = 0; i < steps.size(); ++i) {
    const Batch::Step& step = steps[i];
    const HintEffect effect = effects.ok() ? (*effects)[i] : HintEffect{.status = effects.status()};
    Account(step.key, effect, step.expected_bytes);
    Settle(step.key, step.sequence, step.kind, effect.status, effect.took_effect);
  }
  // All is in its place: the callbacks may look around.
  for (size_t i = 0; i < steps.size(); ++i) {
    Batch::Step& step = steps[i];
    const absl::Status status = effects.ok() ? (*effects)[i].status : effects.status();
    if (step.durable) step.durable(status);
    if (step.removed) {
      step.removed(status.ok() ? absl::StatusOr<bool>((*effects)[i].took_effect) : absl::StatusOr<bool>(status));
    }
  }
  for (auto& [key, durable] : batch.waiting) {
    absl::Status status = effects.status();
    for (size_t i = 0; status.ok() && i < steps.size(); ++i) {
      if (steps[i].key == key) status = (*effects)[i].status;
    }
    durable(std::move(status));
  }
  for (const Batch::Step& step : steps) DropIfIdle(step.key.record);
}

void HintShelf::Account(const HintKey& key, const HintEffect& effect, int64_t expected_bytes) {
  projected_bytes_ += effect.bytes - expected_bytes;
  Pending& pending = pending_[key.target];
  pending.count += static_cast<uint64_t>(effect.count);
  pending.bytes += static_cast<uint64_t>(effect.bytes);
  if (pending.count == 0) pending_.erase(key.target);
}

void HintShelf::Settle(const HintKey& key, uint64_t sequence, HintChange::Kind kind, const absl::Status& status,
                       bool took_effect) {
  KeyState& state = states_.at(key.record);
  --state.commits_under_way;
  if (kind == HintChange::Kind::kPut) {
    auto under_way = puts_under_way_.find(key.target);
    if (--under_way->second == 0) puts_under_way_.erase(under_way);
  }
  if (kind == HintChange::Kind::kPut && !status.ok()) state.poisoned = true;
  auto at = state.targets.find(key.target);
  if (at == state.targets.end() || at->second.sequence != sequence) return;  // something newer stands there
  switch (kind) {
    case HintChange::Kind::kPut:
      at->second.batch = nullptr;
      break;
    case HintChange::Kind::kRemove:
      at->second.removing = false;
      if (took_effect) state.targets.erase(at);
      break;
    case HintChange::Kind::kSetAside:
      break;
  }
}

// ---- Reads of what is durable ----

void HintShelf::ReadDurable(const RecordKey& key, ReadFn done) {
  std::vector<HintKey> keys;
  for (const auto& [target, pending] : pending_) keys.push_back({target, key});
  if (keys.empty()) {
    loop_.AtTurnEnd(TurnPhase::kRead, [health = store_.health(), done = std::move(done)]() mutable {
      if (health.ok()) {
        done(std::vector<std::pair<MemberId, StoredHint>>());
      } else {
        done(std::move(health));
      }
    });
    return;
  }
  std::vector<HintKey> wanted = keys;
  store_.Read(std::move(wanted), loop_,
              [this, alive = std::weak_ptr<bool>(alive_), keys = std::move(keys),
               done = std::move(done)](std::vector<HintStore::ReadResult> results) mutable {
                if (alive.expired()) return;
                absl::Status status = store_.health();
                std::vector<std::pair<MemberId, StoredHint>> found;
                for (size_t i = 0; i < results.size(); ++i) {
                  status.Update(results[i].status());
                  if (absl::IsDataLoss(results[i].status())) SetAside(keys[i]);
                  if (!results[i].ok() || !results[i]->has_value()) continue;
                  found.emplace_back(keys[i].target, *std::move(*results[i]));
                }
                if (status.ok()) {
                  done(std::move(found));
                } else {
                  done(std::move(status));
                }
              });
}

void HintShelf::ReadPage(MemberId target, std::string cursor, size_t bytes_max, size_t items_max,
                         HintStore::PageDone done) {
  store_.ReadPage({.target = target,
                   .shard = shard_,
                   .shards = shards_,
                   .cursor = std::move(cursor),
                   .bytes_max = bytes_max,
                   .items_max = items_max},
                  loop_,
                  [this, alive = std::weak_ptr<bool>(alive_),
                   done = std::move(done)](absl::StatusOr<HintStore::Page> page) mutable {
                    if (alive.expired()) return;
                    if (page.ok()) {
                      for (HintKey& key : page->broken) SetAside(std::move(key));
                    }
                    done(std::move(page));
                  });
}

}  // namespace henge
