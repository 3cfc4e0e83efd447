#include "storage/replica_store.h"

#include <utility>

#include "absl/container/node_hash_map.h"
#include "core/model/merkle.h"
#include "core/runtime/check.h"
#include "storage/record_cache.h"

namespace henge {
namespace {

struct Batch;

// The newest record of a key: not durable yet, or durable while an older read of the disk is still outstanding.
struct Entry {
  Object object;
  std::optional<Mark> mark;
  std::shared_ptr<Batch> batch;  // the one that makes it durable; null once it is
  size_t index = 0;              // of its item in `batch`, while that is open
  uint64_t sequence = 0;
  uint64_t hash = 0;  // RecordHash, if the engine keeps trees
};

// Stable addresses: batches point at entries.
using Overlay = absl::node_hash_map<RecordKey, Entry>;

// The writes of one turn on their way to the disk, and who waits for them.
struct Batch {
  struct Written {
    Overlay::value_type* entry;  // lives at least until its newest batch has ended, and batches end in order
    size_t key_hash;
    uint64_t sequence;
    RecordCache::Place last_seen;  // of the record that it takes the place of
  };
  Batch() {
    items.reserve(kItemsUsual);
    written.reserve(kItemsUsual);
    waiting.reserve(kItemsUsual);
  }
  static constexpr size_t kItemsUsual = 16;

  std::vector<CommitItem> items;
  std::vector<Written> written;  // at i what becomes of items[i]
  std::vector<ReplicaStore::DurableCallback> waiting;
};

// One of the two callbacks is set.
struct Request {
  RecordKey key;
  size_t key_hash;
  ReplicaStore::ReadCallback read;
  ReplicaStore::BaseCallback base;
};

void Refuse(Request& request, const absl::Status& status) {
  if (request.read) {
    request.read(status);
  } else {
    request.base(status);
  }
}

HashedKey KeyOf(const Request& request) { return {request.key, request.key_hash}; }

// What the store said of a key, not copied yet.
struct Seen {
  absl::Status status;
  const StoredRecord* record = nullptr;  // null: absent, or `status` says why it isn't known
  RecordCache::Place place = RecordCache::kNoPlace;
};

Seen SeenIn(const StoreEngine::ReadResult& result) {
  if (!result.ok()) return {.status = result.status()};
  return {.record = result->has_value() ? &**result : nullptr};
}

StoreEngine::ReadResult CopyOf(const Seen& seen) {
  if (!seen.status.ok()) return seen.status;
  if (seen.record == nullptr) return std::nullopt;
  return *seen.record;
}

}  // namespace

// Shared with what was handed to the engine and the loop: an answer that comes after the end finds nobody.
class ReplicaStore::Impl : public std::enable_shared_from_this<ReplicaStore::Impl> {
 public:
  Impl(StoreEngine& engine, Executor& loop, size_t cache_bytes) : engine_(engine), loop_(loop), cache_(cache_bytes) {}

  void Enqueue(Request request);
  void Write(RecordKey key, Object object, std::string encoded, std::optional<Mark> mark, int64_t now_ms,
             DurableCallback durable);
  void AwaitDurable(const RecordKey& key, DurableCallback durable);
  void OnBroken(BrokenCallback broken) { broken_ = std::move(broken); }
  size_t overlay_size() const { return overlay_.size(); }

 private:
  void NoteBroken(const RecordKey& key, const absl::Status& status);
  void FlushReads();
  bool NeedsStore(const Request& request) const;
  bool IsOverlaid(HashedKey key) const { return overlay_.find(key.key, key.hash) != overlay_.end(); }
  bool IsOnDisk(HashedKey key) const {
    return !disk_reads_.empty() && disk_reads_.find(key.key, key.hash) != disk_reads_.end();
  }
  void Remember(HashedKey key, StoreEngine::ReadResult result);
  void Deliver(Request* request, const Seen& seen, std::vector<Request>* misses);
  void DeliverBase(HashedKey key, BaseCallback done, const Seen& seen);
  void StartDiskReads(std::vector<Request> misses);
  void OnDiskRead(Request request, StoreEngine::ReadResult result);

  // RecordHash of the record of `key` whose base is being delivered.
  uint64_t HashOfDelivered(const RecordKey& key) const;

  Batch& OpenBatch();
  void FlushCommit();
  void OnCommitted(Batch& batch, const absl::Status& status, std::vector<CommitItem> items);

  StoreEngine& engine_;
  Executor& loop_;
  RecordCache cache_;
  Overlay overlay_;
  // Keys whose base is being read from the disk, and who waits for it, in order. Pins the key's entry (invariant 2).
  absl::flat_hash_map<RecordKey, std::vector<BaseCallback>> disk_reads_;
  std::vector<Request> requests_;  // of this turn
  std::shared_ptr<Batch> batch_;   // of this turn
  uint64_t last_sequence_ = 0;
  // The stored record (null: there is none) whose base a callback has at this instant. Hashed only if it is replaced.
  struct Delivery {
    const RecordKey* key = nullptr;
    size_t key_hash = 0;
    const std::string* object = nullptr;
    RecordCache::Place place = RecordCache::kNoPlace;
    bool broken = false;  // there is one, of which nothing is known
  };
  Delivery delivery_;
  BrokenCallback broken_;
};

void ReplicaStore::Impl::Enqueue(Request request) {
  requests_.push_back(std::move(request));
  if (requests_.size() > 1) return;
  loop_.AtTurnEnd(TurnPhase::kRead, [self = weak_from_this()] {
    if (auto alive = self.lock()) alive->FlushReads();
  });
}

bool ReplicaStore::Impl::NeedsStore(const Request& request) const {
  if (request.read) return true;
  return !IsOverlaid(KeyOf(request)) && !IsOnDisk(KeyOf(request));
}

// Nothing is put into the cache before all that was seen in it is delivered.
void ReplicaStore::Impl::FlushReads() {
  std::vector<Request> requests = std::exchange(requests_, {});
  if (absl::Status health = engine_.health(); !health.ok()) {
    for (Request& request : requests) Refuse(request, health);
    return;
  }
  std::vector<Seen> seen(requests.size());
  std::vector<const RecordKey*> keys;
  std::vector<size_t> asked;  // of `requests`, whose keys these are
  for (size_t i = 0; i < requests.size(); ++i) {
    if (!NeedsStore(requests[i])) continue;
    seen[i].record = cache_.Find(KeyOf(requests[i]), &seen[i].place);
    if (seen[i].record != nullptr) continue;
    asked.push_back(i);
    keys.push_back(&requests[i].key);
  }
  std::vector<StoreEngine::ReadResult> results;
  if (!keys.empty()) results = engine_.ReadCached(keys);
  for (size_t i = 0; i < results.size(); ++i) seen[asked[i]] = SeenIn(results[i]);
  std::vector<Request> misses;
  for (size_t i = 0; i < requests.size(); ++i) Deliver(&requests[i], seen[i], &misses);
  for (size_t i = 0; i < results.size(); ++i) Remember(KeyOf(requests[asked[i]]), std::move(results[i]));
  if (!misses.empty()) StartDiskReads(std::move(misses));
}

// Of a key that is being written the store may show the record before or after: that is left to OnCommitted. A read of
// the disk is never kept, as writes may have come and gone meanwhile.
void ReplicaStore::Impl::Remember(HashedKey key, StoreEngine::ReadResult result) {
  if (result.ok() && result->has_value() && !IsOverlaid(key)) cache_.Put(key, **std::move(result));
}

// Takes the callback, and of a miss all.
void ReplicaStore::Impl::Deliver(Request* request, const Seen& seen, std::vector<Request>* misses) {
  const bool overlaid = request->base && IsOverlaid(KeyOf(*request));
  if (request->base && !overlaid && IsOnDisk(KeyOf(*request))) {
    disk_reads_.find(request->key)->second.push_back(std::move(request->base));
    return;
  }
  if (!overlaid && absl::IsUnavailable(seen.status)) {
    misses->push_back(std::move(*request));
  } else if (request->read) {
    if (!seen.status.ok()) NoteBroken(request->key, seen.status);
    request->read(CopyOf(seen));
  } else {
    DeliverBase(KeyOf(*request), std::move(request->base), seen);
  }
}

// The overlay is asked at this instant: what an earlier callback of this turn wrote is the base of the next one (P5).
void ReplicaStore::Impl::DeliverBase(HashedKey key, BaseCallback done, const Seen& seen) {
  delivery_ = {&key.key, key.hash};
  if (auto found = overlay_.find(key.key, key.hash); found != overlay_.end()) {
    const Entry& entry = found->second;
    done(BaseRecord{entry.object, entry.mark, entry.batch == nullptr});
  } else if (!seen.status.ok()) {
    NoteBroken(key.key, seen.status);
    delivery_.broken = absl::IsDataLoss(seen.status);
    done(seen.status);
  } else if (seen.record == nullptr) {
    done(BaseRecord{});
  } else {
    delivery_.object = &seen.record->object;
    delivery_.place = seen.place;
    absl::StatusOr<Object> object = Object::Decode(seen.record->object);
    if (object.ok()) {
      done(BaseRecord{*std::move(object), seen.record->mark, true});
    } else {
      // Its bytes are whole, so its hash stands in the leaf.
      NoteBroken(key.key, object.status());
      done(object.status());
    }
  }
  delivery_ = {};
}

uint64_t ReplicaStore::Impl::HashOfDelivered(const RecordKey& key) const {
  HENGE_CHECK(delivery_.key != nullptr && *delivery_.key == key);
  if (delivery_.object == nullptr) return 0;
  return RecordHash(engine_.tree_key(), key.bucket, key.key, *delivery_.object);
}

void ReplicaStore::Impl::NoteBroken(const RecordKey& key, const absl::Status& status) {
  if (broken_ && absl::IsDataLoss(status)) broken_(key);
}

void ReplicaStore::Impl::StartDiskReads(std::vector<Request> misses) {
  std::vector<RecordKey> keys;
  std::vector<Request> asking;
  for (Request& request : misses) {
    if (request.base) {
      auto [pending, is_first] = disk_reads_.try_emplace(request.key);
      pending->second.push_back(std::move(request.base));
      if (!is_first) continue;
    }
    keys.push_back(request.key);
    asking.push_back(std::move(request));
  }
  engine_.ReadBlocking(
      std::move(keys), loop_,
      [self = weak_from_this(), asking = std::move(asking)](std::vector<StoreEngine::ReadResult> results) mutable {
        auto alive = self.lock();
        if (alive == nullptr) return;
        HENGE_CHECK(results.size() == asking.size());
        for (size_t i = 0; i < asking.size(); ++i) {
          alive->OnDiskRead(std::move(asking[i]), std::move(results[i]));
        }
      });
}

void ReplicaStore::Impl::OnDiskRead(Request request, StoreEngine::ReadResult result) {
  if (request.read) {
    absl::Status health = engine_.health();
    if (health.ok() && !result.ok()) NoteBroken(request.key, result.status());
    request.read(health.ok() ? std::move(result) : StoreEngine::ReadResult(std::move(health)));
    return;
  }
  auto pending = disk_reads_.extract(request.key);
  HENGE_CHECK(!pending.empty());
  for (BaseCallback& base : pending.mapped()) {
    if (absl::Status health = engine_.health(); !health.ok()) {
      base(std::move(health));
    } else {
      DeliverBase(KeyOf(request), std::move(base), SeenIn(result));
    }
  }
  auto entry = overlay_.find(request.key);
  if (entry != overlay_.end() && entry->second.batch == nullptr) overlay_.erase(entry);
}

Batch& ReplicaStore::Impl::OpenBatch() {
  if (batch_ != nullptr) return *batch_;
  batch_ = std::make_shared<Batch>();
  loop_.AtTurnEnd(TurnPhase::kCommit, [self = weak_from_this()] {
    if (auto alive = self.lock()) alive->FlushCommit();
  });
  return *batch_;
}

void ReplicaStore::Impl::Write(RecordKey key, Object object, std::string encoded, std::optional<Mark> mark,
                               int64_t now_ms, DurableCallback durable) {
  Batch& batch = OpenBatch();
  batch.waiting.push_back(std::move(durable));
  const bool delivered = delivery_.key != nullptr && *delivery_.key == key;
  const HashedKey hashed = delivered ? HashedKey(key, delivery_.key_hash) : HashedKey(key);
  auto found = overlay_.find(key, hashed.hash);
  uint64_t hash = 0;
  uint64_t delta = 0;
  bool from_scan = false;
  if (const ClusterId tree_key = engine_.tree_key(); tree_key != ClusterId{}) {
    hash = RecordHash(tree_key, key.bucket, key.key, encoded);
    const bool overlaid = found != overlay_.end();
    delta = LeafDelta(overlaid ? found->second.hash : HashOfDelivered(key), hash);
    from_scan = delivery_.broken && !overlaid;
  }
  if (found == overlay_.end()) found = overlay_.try_emplace(key).first;
  Entry& entry = found->second;
  entry.hash = hash;
  entry.object = std::move(object);
  entry.mark = mark;
  StoredRecord record{std::move(encoded), mark, now_ms};
  if (entry.batch == batch_) {
    // Based on what the open batch holds of this key, so it takes that one's place.
    batch.items[entry.index].record = std::move(record);
    batch.items[entry.index].leaf_delta ^= delta;
    return;
  }
  entry.batch = batch_;
  entry.index = batch.items.size();
  entry.sequence = ++last_sequence_;
  batch.written.push_back({&*found, hashed.hash, entry.sequence, delivered ? delivery_.place : RecordCache::kNoPlace});
  batch.items.push_back({std::move(key), std::move(record), delta, from_scan});
}

void ReplicaStore::Impl::FlushCommit() {
  std::shared_ptr<Batch> batch = std::exchange(batch_, nullptr);
  std::vector<CommitItem> items = std::exchange(batch->items, {});
  engine_.Commit(std::move(items), loop_,
                 [self = weak_from_this(), batch](const absl::Status& status, std::vector<CommitItem> written) {
                   if (auto alive = self.lock()) alive->OnCommitted(*batch, status, std::move(written));
                 });
}

void ReplicaStore::Impl::OnCommitted(Batch& batch, const absl::Status& status, std::vector<CommitItem> items) {
  if (status.ok()) {
    HENGE_CHECK(items.size() == batch.written.size());
    for (size_t i = 0; i < items.size(); ++i) {
      const Batch::Written& written = batch.written[i];
      Entry& entry = written.entry->second;
      const HashedKey key(written.entry->first, written.key_hash);
      if (entry.sequence != written.sequence) {
        cache_.Erase(key);  // newer than what is there, and about to be replaced
        continue;
      }
      entry.batch = nullptr;
      cache_.Put(key, std::move(items[i].record), written.last_seen);
      if (!IsOnDisk(key)) overlay_.erase(overlay_.find(key.key, key.hash));
    }
  }
  for (DurableCallback& durable : batch.waiting) durable(status);
}

void ReplicaStore::Impl::AwaitDurable(const RecordKey& key, DurableCallback durable) {
  absl::Status health = engine_.health();
  auto found = overlay_.find(key);
  if (!health.ok() || found == overlay_.end() || found->second.batch == nullptr) {
    durable(std::move(health));
    return;
  }
  found->second.batch->waiting.push_back(std::move(durable));
}

ReplicaStore::ReplicaStore(StoreEngine& engine, Executor& loop, size_t cache_bytes)
    : impl_(std::make_shared<Impl>(engine, loop, cache_bytes)) {}

ReplicaStore::~ReplicaStore() = default;

void ReplicaStore::Read(RecordKey key, ReadCallback done) {
  const size_t hash = HashedKey(key).hash;
  impl_->Enqueue({std::move(key), hash, std::move(done), nullptr});
}

void ReplicaStore::ReadBase(RecordKey key, BaseCallback done) {
  const size_t hash = HashedKey(key).hash;
  impl_->Enqueue({std::move(key), hash, nullptr, std::move(done)});
}

void ReplicaStore::Write(RecordKey key, Object object, std::string encoded, std::optional<Mark> mark, int64_t now_ms,
                         DurableCallback durable) {
  impl_->Write(std::move(key), std::move(object), std::move(encoded), mark, now_ms, std::move(durable));
}

void ReplicaStore::AwaitDurable(const RecordKey& key, DurableCallback durable) {
  impl_->AwaitDurable(key, std::move(durable));
}

void ReplicaStore::OnBroken(BrokenCallback broken) { impl_->OnBroken(std::move(broken)); }

size_t ReplicaStore::overlay_size() const { return impl_->overlay_size(); }

}  // namespace henge
