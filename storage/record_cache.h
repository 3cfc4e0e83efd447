// The durable records that one shard used last, decoded from the store's format: what a read would find, without it.
//
// Loop-affine: owned by the shard's ReplicaStore, which alone writes these records and so keeps the cache true. Bounded
// by bytes; a clock hand passes over the slots and drops what was not used since its last round (CLOCK, Corbató 1968).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "core/runtime/messages.h"
#include "storage/store_engine.h"

namespace henge {

// A key with its hash, computed once for all the tables of a shard that are asked for the key.
struct HashedKey {
  HashedKey(const RecordKey& key_in)  // NOLINT(google-explicit-constructor): a key is one that was not hashed yet
      : HashedKey(key_in, absl::Hash<RecordKey>()(key_in)) {}
  HashedKey(const RecordKey& key_in, size_t hash_in) : key(key_in), hash(hash_in) {}

  const RecordKey& key;  // outlives this
  size_t hash;
};

class RecordCache {
 public:
  // 0 bytes: nothing is kept.
  explicit RecordCache(size_t bytes_max) : bytes_max_(bytes_max), index_(0, KeyHash{&slots_}, KeyEqual{&slots_}) {}
  RecordCache(const RecordCache&) = delete;
  RecordCache& operator=(const RecordCache&) = delete;

  // Where a record is, or was.
  using Place = uint32_t;
  static constexpr Place kNoPlace = UINT32_MAX;

  // The record, or null if it is not here. Valid until the next Put or Erase.
  const StoredRecord* Find(HashedKey key, Place* place = nullptr);

  // Keeps `record` as the newest durable one of `key`. One that is larger than an eighth of the cache is not kept.
  // `last_seen`, where Find found the key before, saves looking it up if it is still there.
  void Put(HashedKey key, StoredRecord record, Place last_seen = kNoPlace);
  void Erase(HashedKey key);

  size_t bytes() const { return bytes_; }
  size_t size() const { return index_.size(); }

 private:
  struct Slot {
    RecordKey key;
    StoredRecord record;
    size_t bytes = 0;   // what it counts for; 0: free
    bool used = false;  // since the hand passed
  };

  // The index holds places of slots, and is asked by key: a key stands in memory once.
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const RecordKey& key) const { return absl::Hash<RecordKey>()(key); }
    size_t operator()(uint32_t at) const { return (*this)((*slots)[at].key); }
    const std::deque<Slot>* slots;
  };
  struct KeyEqual {
    using is_transparent = void;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t a, const RecordKey& b) const { return (*slots)[a].key == b; }
    bool operator()(const RecordKey& a, uint32_t b) const { return (*slots)[b].key == a; }
    const std::deque<Slot>* slots;
  };

  static size_t BytesOf(const Slot& slot);
  Place PlaceOf(HashedKey key) const;
  bool Holds(Place place, const RecordKey& key) const;
  bool Replace(Slot& slot, StoredRecord* record);
  void Free(size_t at);
  void MakeRoom(size_t bytes);
  uint32_t TakeSlot();

  size_t bytes_max_;
  size_t bytes_ = 0;
  size_t hand_ = 0;
  std::deque<Slot> slots_;
  std::vector<uint32_t> free_;
  absl::flat_hash_set<uint32_t, KeyHash, KeyEqual> index_;  // looked up only, never iterated
};

}  // namespace henge
