#include "node/hints/hint_shelf.h"

#include <algorithm>
#include <utility>

#include "core/model/slot.h"
#include "core/runtime/check.h"

namespace henge {

// The changes of one turn on their way to the disk.
struct HintShelf::Batch {
  struct Step {
    HintKey key;
    HintChange::Kind kind;
    uint64_t sequence = 0;
    int64_t expected_bytes = 0;  // counted in projected_bytes_ already
    int64_t at_ms = 0;           // of a put when its hint was first stored; of a mark when it was made
    SegmentSet segments;         // of kUnmark
    DurableFn durable;           // of a put
    RemoveFn removed;            // of what takes away
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
    pending.oldest_ms = pending.oldest_ms == 0 ? entry.oldest_ms : std::min(pending.oldest_ms, entry.oldest_ms);
    projected_bytes_ += static_cast<int64_t>(entry.bytes);
  }
  for (const auto& [partition, marked] : store.marks()) {
    if (partition.value() % shards == shard) marks_[partition] = marked;
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
  targets.reserve(pending_.size());
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
                         .at_ms = kept.stored_at_ms,
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
  TakeAway({.kind = HintChange::Kind::kRemove, .key = std::move(key), .digest = digest}, std::move(done));
}

void HintShelf::Mark(HintKey key, uint64_t digest, uint32_t proved, int64_t now_ms, RemoveFn done) {
  HintChange change{.kind = HintChange::Kind::kMark, .key = std::move(key), .digest = digest};
  change.hint.needed = proved;
  change.hint.stored_at_ms = now_ms;
  TakeAway(std::move(change), std::move(done));
}

void HintShelf::TakeAway(HintChange change, RemoveFn done) {
  RecordKey record = change.key.record;
  Load(std::move(record),
       [this, change = std::move(change), done = std::move(done)](absl::StatusOr<const Targets*> targets) mutable {
         if (!targets.ok()) {
           done(targets.status());
           return;
         }
         const HintKey& key = change.key;
         KeyState& state = states_.at(key.record);
         auto at = state.targets.find(key.target);
         bool stays = at == state.targets.end() || !at->second.durable() || at->second.digest != change.digest;
         if (change.kind == HintChange::Kind::kMark) stays = stays || at->second.needed > change.hint.needed;
         if (stays) {
           done(false);
           return;
         }
         Batch& batch = OpenBatch();
         at->second.removing = true;
         ++state.commits_under_way;
         if (change.kind == HintChange::Kind::kMark && key.record.partition == exchange_.partition) {
           exchange_.fresh.set(SegmentOf(key.record.bucket, key.record.key));
         }
         batch.steps.push_back({.key = key,
                                .kind = change.kind,
                                .sequence = at->second.sequence,
                                .at_ms = change.hint.stored_at_ms,
                                .removed = std::move(done)});
         batch.changes.push_back(std::move(change));
       });
}

void HintShelf::EndExchange(const SegmentSet& equal, RemoveFn done) {
  const SegmentSet segments = equal & ~exchange_.fresh;
  Batch& batch = OpenBatch();
  HintChange change{.kind = HintChange::Kind::kUnmark, .segments = segments};
  change.key.record.partition = exchange_.partition;
  batch.steps.push_back({.key = change.key, .kind = change.kind, .segments = segments, .removed = std::move(done)});
  batch.changes.push_back(std::move(change));
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
    if (step.kind == HintChange::Kind::kUnmark) {
      if (effect.status.ok()) SettleUnmark(step.key.record.partition, step.segments);
      continue;
    }
    Account(step.key, effect, step.expected_bytes, step.at_ms);
    if (step.kind == HintChange::Kind::kMark && effect.took_effect) SettleMark(step.key, step.at_ms);
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

void HintShelf::Account(const HintKey& key, const HintEffect& effect, int64_t expected_bytes, int64_t stored_at_ms) {
  projected_bytes_ += effect.bytes - expected_bytes;
  Pending& pending = pending_[key.target];
  pending.count += static_cast<uint64_t>(effect.count);
  pending.bytes += static_cast<uint64_t>(effect.bytes);
  if (pending.count == 0) {
    pending_.erase(key.target);
    return;
  }
  if (effect.count <= 0) return;
  for (int64_t* oldest : {&pending.oldest_ms, &pending.in_pass_ms}) {
    *oldest = *oldest == 0 ? stored_at_ms : std::min(*oldest, stored_at_ms);
  }
}

void HintShelf::BeginPass(MemberId target) {
  if (auto at = pending_.find(target); at != pending_.end()) at->second.in_pass_ms = 0;
}

void HintShelf::EndPass(MemberId target, int64_t oldest_left_ms) {
  auto at = pending_.find(target);
  if (at == pending_.end()) return;
  const int64_t came = at->second.in_pass_ms;
  const int64_t oldest = came == 0 || oldest_left_ms == 0 ? came + oldest_left_ms : std::min(came, oldest_left_ms);
  if (oldest != 0) at->second.oldest_ms = oldest;
}

void HintShelf::SettleMark(const HintKey& key, int64_t now_ms) {
  MarkedPartition& marked = marks_[key.record.partition];
  if (marked.segments.none()) marked.since_ms = now_ms;
  marked.segments.set(SegmentOf(key.record.bucket, key.record.key));
}

void HintShelf::SettleUnmark(PartitionId partition, const SegmentSet& segments) {
  auto at = marks_.find(partition);
  if (at == marks_.end()) return;
  at->second.segments &= ~segments;
  if (at->second.segments.none()) marks_.erase(at);
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
    case HintChange::Kind::kMark:
      at->second.removing = false;
      if (took_effect) state.targets.erase(at);
      break;
    case HintChange::Kind::kUnmark:
    case HintChange::Kind::kSetAside:
      break;
  }
}

// ---- Reads of what is durable ----

void HintShelf::ReadDurable(const RecordKey& key, ReadFn done) {
  std::vector<HintKey> keys;
  keys.reserve(pending_.size());
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
