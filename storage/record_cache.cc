#include "storage/record_cache.h"

#include <utility>

namespace henge {
namespace {

constexpr size_t kShareOfOneRecord = 8;
// The index's entry, with its free places, and what malloc adds to the strings.
constexpr size_t kOverheadBytes = 24;

}  // namespace

size_t RecordCache::BytesOf(const Slot& slot) {
  return sizeof(Slot) + kOverheadBytes + slot.key.key.capacity() + slot.record.object.capacity();
}

const StoredRecord* RecordCache::Find(HashedKey key, Place* place) {
  const Place at = PlaceOf(key);
  if (at == kNoPlace) return nullptr;
  if (place != nullptr) *place = at;
  Slot& slot = slots_[at];
  slot.used = true;
  return &slot.record;
}

RecordCache::Place RecordCache::PlaceOf(HashedKey key) const {
  const auto found = index_.find(key.key, key.hash);
  return found == index_.end() ? kNoPlace : *found;
}

bool RecordCache::Holds(Place place, const RecordKey& key) const {
  return place < slots_.size() && slots_[place].bytes > 0 && slots_[place].key == key;
}

void RecordCache::Put(HashedKey key, StoredRecord record, Place last_seen) {
  if (bytes_max_ == 0) return;
  if (const Place at = Holds(last_seen, key.key) ? last_seen : PlaceOf(key); at != kNoPlace) {
    if (Replace(slots_[at], &record)) return;
    Erase(key);
  }
  Slot slot{.key = key.key, .record = std::move(record)};
  slot.bytes = BytesOf(slot);
  if (slot.bytes > bytes_max_ / kShareOfOneRecord) return;
  MakeRoom(slot.bytes);
  bytes_ += slot.bytes;
  const uint32_t at = TakeSlot();
  slots_[at] = std::move(slot);
  index_.insert(at);
}

// Takes the record where it needs nobody else's room.
bool RecordCache::Replace(Slot& slot, StoredRecord* record) {
  const size_t bytes = slot.bytes - slot.record.object.capacity() + record->object.capacity();
  if (bytes > bytes_max_ / kShareOfOneRecord || bytes_ - slot.bytes + bytes > bytes_max_) return false;
  bytes_ -= slot.bytes;
  slot.record = std::move(*record);
  slot.bytes = BytesOf(slot);  // a short string takes over no memory, and leaves what was there
  bytes_ += slot.bytes;
  slot.used = true;
  return true;
}

void RecordCache::Erase(HashedKey key) {
  const auto found = index_.find(key.key, key.hash);
  if (found == index_.end()) return;
  const uint32_t at = *found;
  index_.erase(found);
  Free(at);
}

void RecordCache::Free(size_t at) {
  bytes_ -= slots_[at].bytes;
  // An assignment would leave the strings' memory where it is.
  Slot empty;
  std::swap(slots_[at], empty);
  free_.push_back(static_cast<uint32_t>(at));
}

// Ends: each full slot that the hand passes is either freed or no longer marked as used.
void RecordCache::MakeRoom(size_t bytes) {
  while (bytes_ + bytes > bytes_max_) {
    if (hand_ == slots_.size()) hand_ = 0;
    Slot& slot = slots_[hand_];
    if (slot.bytes > 0 && !std::exchange(slot.used, false)) {
      index_.erase(slot.key);
      Free(hand_);
    }
    ++hand_;
  }
}

uint32_t RecordCache::TakeSlot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t at = free_.back();
  free_.pop_back();
  return at;
}

}  // namespace henge
