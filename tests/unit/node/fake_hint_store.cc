#include "tests/unit/node/fake_hint_store.h"

#include <utility>

#include "core/model/slot.h"

namespace henge::node_test {

void FakeHintStore::Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) {
  ++reads;
  held_reads_.push_back([this, keys = std::move(keys), &loop, done = std::move(done)]() mutable {
    std::vector<ReadResult> results;
    for (const HintKey& key : keys) {
      auto at = hints.find(key);
      if (unreadable.contains(key.record.key)) {
        results.emplace_back(absl::DataLossError("the hint does not match its checksum"));
      } else if (at == hints.end()) {
        results.emplace_back(std::nullopt);
      } else {
        results.emplace_back(at->second);
      }
    }
    loop.Post([results = std::move(results), done = std::move(done)]() mutable { done(std::move(results)); });
  });
  if (!hold_reads) loop_.Post([this] { ReleaseReads(); });
}

void FakeHintStore::ReadPage(PageQuery query, Executor& loop, PageDone done) {
  ++pages;
  Page page{.cursor = query.cursor, .done = true};
  size_t bytes = 0;
  for (const auto& [key, hint] : hints) {
    if (key.target != query.target || key.record.partition.value() % query.shards != query.shard) continue;
    // Big enough for these tests: partitions and keys in order.
    std::string place = std::to_string(100'000 + key.record.partition.value()) + key.record.key;
    if (place <= query.cursor) continue;
    if (page.items.size() >= query.items_max || bytes >= query.bytes_max) {
      page.done = false;
      break;
    }
    bytes += HintBytes(key, hint);
    page.cursor = std::move(place);
    page.items.emplace_back(key, hint);
  }
  loop.Post([page = std::move(page), done = std::move(done)]() mutable { done(std::move(page)); });
}

HintEffect FakeHintStore::Apply(HintChange& change) {
  HintEffect effect;
  auto at = hints.find(change.key);
  const int64_t before = at == hints.end() ? 0 : static_cast<int64_t>(HintBytes(at->first, at->second));
  switch (change.kind) {
    case HintChange::Kind::kPut:
      if (!put_error.ok()) return {.status = put_error};
      effect.count = at == hints.end() ? 1 : 0;
      effect.bytes = static_cast<int64_t>(HintBytes(change.key, change.hint)) - before;
      hints[change.key] = std::move(change.hint);
      break;
    case HintChange::Kind::kUnmark: {
      MarkedPartition& marks = marked[change.key.record.partition];
      effect.took_effect = (marks.segments & change.segments).any();
      marks.segments &= ~change.segments;
      if (marks.segments.none()) marked.erase(change.key.record.partition);
      return effect;
    }
    case HintChange::Kind::kMark:
      if (at == hints.end() || ObjectDigest(at->second.object) != change.digest) return effect;
      marked[change.key.record.partition].segments.set(SegmentOf(change.key.record.bucket, change.key.record.key));
      [[fallthrough]];
    case HintChange::Kind::kRemove:
      if (at == hints.end() || ObjectDigest(at->second.object) != change.digest) return effect;
      [[fallthrough]];
    case HintChange::Kind::kSetAside:
      if (at == hints.end()) return effect;
      effect.count = -1;
      effect.bytes = -before;
      unreadable.erase(at->first.record.key);
      hints.erase(at);
      break;
  }
  effect.took_effect = true;
  return effect;
}

void FakeHintStore::Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) {
  held_commits_.push_back([this, changes = std::move(changes), &loop, done = std::move(done)]() mutable {
    absl::StatusOr<std::vector<HintEffect>> effects = std::vector<HintEffect>();
    if (commit_error.ok()) {
      for (HintChange& change : changes) effects->push_back(Apply(change));
    } else {
      effects = commit_error;
    }
    loop.Post([effects = std::move(effects), done = std::move(done)]() mutable { done(std::move(effects)); });
  });
  if (!hold_commits) loop_.Post([this] { ReleaseCommits(); });
}

void FakeHintStore::TakeCensus() {
  found.clear();
  for (const auto& [key, hint] : hints) {
    found.push_back({key.target, key.record.partition, 1, HintBytes(key, hint), hint.stored_at_ms});
  }
  found_marks = marked;
}

void FakeHintStore::ReleaseCommits() {
  for (Closure& commit : std::exchange(held_commits_, {})) commit();
}

void FakeHintStore::ReleaseReads() {
  for (Closure& read : std::exchange(held_reads_, {})) read();
}

}  // namespace henge::node_test
