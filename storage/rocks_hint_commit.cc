// The commit worker of the hints: each step looks at what is there, in the order of the steps; one write, one sync.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "core/model/slot.h"
#include "storage/hint_format.h"
#include "storage/rocks_hint_store.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr size_t kHintGroupBytesMax = size_t{8} << 20;

}  // namespace

struct RocksHintStore::CommitWork : WorkItem {
  std::vector<HintChange> changes;
  std::vector<HintEffect> effects;
  Executor* loop = nullptr;
  CommitDone done;
  size_t bytes = 0;
};

// What a group makes of the hints that it touches, before any of it is written. In the order of the keys.
class RocksHintStore::Group {
 public:
  explicit Group(RocksHintStore& store) : store_(store) {}

  HintEffect Apply(HintChange& change);
  absl::Status Write(size_t bytes);

 private:
  struct Slot {
    absl::Status status;  // why it is not known what is there
    bool exists = false;
    bool broken = false;
    bool changed = false;
    uint64_t digest = 0;  // of the object, if it is whole
    std::string value;
    std::string aside;  // the bytes of a broken one, to be kept
  };

  struct Marks {
    absl::Status status;
    bool changed = false;
    MarkedPartition now;
  };

  Slot& Find(const std::string& key_bytes);
  Marks& FindMarks(PartitionId partition);
  HintEffect Unmark(const HintChange& change);
  // False if it can't be told what is marked already.
  bool Mark(const HintChange& change, HintEffect* effect);
  void SetAside(const HintKey& key, Slot* slot);

  RocksHintStore& store_;
  std::map<std::string, Slot> slots_;
  std::map<PartitionId, Marks> marks_;
};

RocksHintStore::Group::Slot& RocksHintStore::Group::Find(const std::string& key_bytes) {
  auto [at, is_new] = slots_.try_emplace(key_bytes);
  Slot& slot = at->second;
  if (!is_new) return slot;
  rocksdb::Status status = store_.base_.db->Get(rocksdb::ReadOptions(), key_bytes, &slot.value);
  if (status.IsNotFound()) return slot;
  if (!status.ok()) {
    slot.status = FromRocks(status, "can't read the hint that is there");
    return slot;
  }
  slot.exists = true;
  absl::StatusOr<StoredHint> hint = DecodeStoredHint(key_bytes, slot.value);
  slot.broken = !hint.ok();
  if (hint.ok()) slot.digest = ObjectDigest(hint->object);
  return slot;
}

void RocksHintStore::Group::SetAside(const HintKey& key, Slot* slot) {
  store_.SayBroken(key, absl::DataLossError("the hint does not match its checksum"));
  slot->aside = slot->value;
}

RocksHintStore::Group::Marks& RocksHintStore::Group::FindMarks(PartitionId partition) {
  auto [at, is_new] = marks_.try_emplace(partition);
  Marks& marks = at->second;
  if (!is_new) return marks;
  const std::string key = MarksKey(partition);
  std::string value;
  rocksdb::Status status = store_.base_.db->Get(rocksdb::ReadOptions(), key, &value);
  if (status.IsNotFound()) return marks;
  if (!status.ok()) {
    marks.status = FromRocks(status, "can't read what is marked");
    return marks;
  }
  absl::StatusOr<MarkedPartition> stored = DecodeMarks(key, value);
  marks.now = stored.ok() ? *std::move(stored) : store_.MarksBroken(partition, stored.status());
  return marks;
}

HintEffect RocksHintStore::Group::Unmark(const HintChange& change) {
  Marks& marks = FindMarks(change.key.record.partition);
  HintEffect effect{.status = marks.status};
  if (!marks.status.ok() || (marks.now.segments & change.segments).none()) return effect;
  marks.now.segments &= ~change.segments;
  marks.changed = true;
  effect.took_effect = true;
  return effect;
}

bool RocksHintStore::Group::Mark(const HintChange& change, HintEffect* effect) {
  const RecordKey& record = change.key.record;
  Marks& marks = FindMarks(record.partition);
  effect->status = marks.status;
  if (!marks.status.ok()) return false;
  if (marks.now.segments.none()) marks.now.since_ms = change.hint.stored_at_ms;
  marks.now.segments.set(SegmentOf(record.bucket, record.key));
  marks.changed = true;
  return true;
}

HintEffect RocksHintStore::Group::Apply(HintChange& change) {
  if (change.kind == HintChange::Kind::kUnmark) return Unmark(change);
  const std::string key_bytes = EncodeHintKey(change.key);
  Slot& slot = Find(key_bytes);
  HintEffect effect{.status = slot.status};
  if (!slot.status.ok()) return effect;
  const int64_t before = slot.exists ? static_cast<int64_t>(key_bytes.size() + slot.value.size()) : 0;
  switch (change.kind) {
    case HintChange::Kind::kPut:
      if (slot.exists && slot.broken) SetAside(change.key, &slot);
      effect.count = slot.exists ? 0 : 1;
      slot.value = EncodeStoredHint(key_bytes, change.hint);
      slot.digest = ObjectDigest(change.hint.object);
      slot.exists = true;
      slot.broken = false;
      effect.bytes = static_cast<int64_t>(key_bytes.size() + slot.value.size()) - before;
      break;
    case HintChange::Kind::kRemove:
      // P16: one that was merged meanwhile is another one, and stays.
      if (!slot.exists || slot.broken || slot.digest != change.digest) return effect;
      slot.exists = false;
      break;
    case HintChange::Kind::kMark:
      if (!slot.exists || slot.broken || slot.digest != change.digest || !Mark(change, &effect)) return effect;
      slot.exists = false;
      break;
    case HintChange::Kind::kUnmark:
      break;
    case HintChange::Kind::kSetAside:
      if (!slot.exists || !slot.broken) return effect;
      SetAside(change.key, &slot);
      slot.exists = false;
      break;
  }
  if (!slot.exists) {
    effect.count = -1;
    effect.bytes = -before;
    slot.value.clear();
  }
  slot.changed = true;
  effect.took_effect = true;
  return effect;
}

absl::Status RocksHintStore::Group::Write(size_t bytes) {
  rocksdb::WriteBatch batch(bytes);
  rocksdb::Status status;
  for (const auto& [key, slot] : slots_) {
    if (!slot.changed) continue;
    if (status.ok()) status = slot.exists ? batch.Put(key, slot.value) : batch.Delete(key);
    if (status.ok() && !slot.aside.empty()) status = batch.Put(AsideKey(key), slot.aside);
  }
  for (const auto& [partition, marks] : marks_) {
    if (!marks.changed || !status.ok()) continue;
    const std::string key = MarksKey(partition);
    status = marks.now.segments.none() ? batch.Delete(key) : batch.Put(key, EncodeMarks(key, marks.now));
  }
  if (!status.ok()) {
    store_.base_.sticky->Fail(FatalStatus(status, "can't build a batch"));
    return store_.base_.sticky->Get();
  }
  if (batch.Count() == 0) return absl::OkStatus();
  absl::Status written = WriteSynced(store_.base_, &batch);
  if (!written.ok()) return written;
  store_.commits_.fetch_add(1, std::memory_order_relaxed);
  return AfterSyncedWrite(store_.base_, bytes);
}

void RocksHintStore::Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) {
  auto work = std::make_unique<CommitWork>();
  work->waiting = static_cast<uint32_t>(changes.size());
  for (const HintChange& change : changes) work->bytes += 2 * HintBytes(change.key, change.hint);
  work->changes = std::move(changes);
  work->loop = &loop;
  work->done = std::move(done);
  commit_worker_->Submit(std::move(work));
}

void RocksHintStore::RunCommits(std::vector<std::unique_ptr<WorkItem>> work) {
  std::vector<CommitWork*> group;
  size_t bytes = 0;
  for (std::unique_ptr<WorkItem>& item : work) {
    auto* job = static_cast<CommitWork*>(item.get());
    if (!group.empty() && bytes + job->bytes > kHintGroupBytesMax) {
      CommitGroup(group);
      group.clear();
      bytes = 0;
    }
    group.push_back(job);
    bytes += job->bytes;
  }
  if (!group.empty()) CommitGroup(group);
  if (base_.disk->ClaimDue()) base_.disk->Look();
}

void RocksHintStore::CommitGroup(std::span<CommitWork* const> jobs) {
  absl::Status status = base_.sticky->Get();
  if (status.ok()) {
    Group group(*this);
    size_t bytes = 0;
    for (CommitWork* job : jobs) {
      bytes += job->bytes;
      for (HintChange& change : job->changes) job->effects.push_back(group.Apply(change));
    }
    status = group.Write(bytes);
  }
  for (CommitWork* job : jobs) {
    if (!status.ok()) {
      job->loop->Post([done = std::move(job->done), status]() mutable { done(status); });
      continue;
    }
    for (const HintEffect& effect : job->effects) {
      hints_.fetch_add(static_cast<uint64_t>(effect.count), std::memory_order_relaxed);
      bytes_.fetch_add(static_cast<uint64_t>(effect.bytes), std::memory_order_relaxed);
    }
    job->loop->Post(
        [done = std::move(job->done), effects = std::move(job->effects)]() mutable { done(std::move(effects)); });
  }
}

}  // namespace henge
