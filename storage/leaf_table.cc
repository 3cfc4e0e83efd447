#include "storage/leaf_table.h"

#include <algorithm>
#include <utility>

namespace henge {

// Leaves of one partition in the order in which they were first set. When they are full, larger ones take their place
// and keep them: a reader may still look at the smaller ones, which are right as of then. Two such steps at most.
class LeafTable::Slots {
 public:
  explicit Slots(std::unique_ptr<Slots> smaller)
      : capacity_(NextCapacity(smaller.get())),
        segments_(std::make_unique<uint8_t[]>(capacity_)),
        hashes_(std::make_unique<std::atomic<uint64_t>[]>(capacity_)),
        smaller_(std::move(smaller)) {
    if (smaller_ == nullptr) return;
    const uint32_t used = smaller_->used_.load(std::memory_order_relaxed);
    for (uint32_t i = 0; i < used; ++i) Add(smaller_->segments_[i], smaller_->hash(i));
  }

  bool full() const { return used_.load(std::memory_order_relaxed) == capacity_; }
  uint32_t used() const { return used_.load(std::memory_order_acquire); }
  uint8_t segment(uint32_t i) const { return segments_[i]; }
  uint64_t hash(uint32_t i) const { return hashes_[i].load(std::memory_order_relaxed); }

  // Where the segment is among the first `used`, or `used`.
  uint32_t Find(uint8_t segment, uint32_t used) const {
    const uint8_t* begin = segments_.get();
    return static_cast<uint32_t>(std::find(begin, begin + used, segment) - begin);
  }

  void Set(uint32_t i, uint64_t hash) { hashes_[i].store(hash, std::memory_order_relaxed); }
  // Not when full.
  void Add(uint8_t segment, uint64_t hash) {
    const uint32_t i = used_.load(std::memory_order_relaxed);
    segments_[i] = segment;
    hashes_[i].store(hash, std::memory_order_relaxed);
    used_.store(i + 1, std::memory_order_release);
  }

 private:
  static uint32_t NextCapacity(const Slots* smaller) {
    if (smaller == nullptr) return 8;
    return smaller->capacity_ == 8 ? 64 : kTreeLeaves;
  }

  uint32_t capacity_;
  std::atomic<uint32_t> used_ = 0;
  std::unique_ptr<uint8_t[]> segments_;
  std::unique_ptr<std::atomic<uint64_t>[]> hashes_;
  std::unique_ptr<Slots> smaller_;
};

LeafTable::LeafTable() = default;

LeafTable::~LeafTable() {
  for (std::atomic<Slots*>& slots : partitions_) delete slots.load(std::memory_order_relaxed);
}

uint64_t LeafTable::Leaf(LeafId leaf) const {
  const Slots* slots = SlotsOf(leaf.partition);
  if (slots == nullptr) return 0;
  const uint32_t used = slots->used();
  const uint32_t at = slots->Find(leaf.segment, used);
  return at == used ? 0 : slots->hash(at);
}

PartitionTree LeafTable::Tree(PartitionId partition) const {
  const Slots* slots = SlotsOf(partition);
  if (slots == nullptr) return PartitionTree();
  std::array<uint64_t, kTreeLeaves> leaves{};
  const uint32_t used = slots->used();
  for (uint32_t i = 0; i < used; ++i) leaves[slots->segment(i)] = slots->hash(i);
  return PartitionTree(leaves);
}

void LeafTable::Set(LeafId leaf, uint64_t hash) {
  std::atomic<Slots*>& owned = partitions_[leaf.partition.value()];
  Slots* slots = owned.load(std::memory_order_relaxed);
  const uint32_t used = slots == nullptr ? 0 : slots->used();
  const uint32_t at = slots == nullptr ? 0 : slots->Find(leaf.segment, used);
  const bool found = at != used;
  std::atomic<uint64_t>& root = roots_[leaf.partition.value()];
  const uint64_t before = found ? slots->hash(at) : 0;
  root.store(root.load(std::memory_order_relaxed) ^ before ^ hash, std::memory_order_relaxed);
  if (found) {
    slots->Set(at, hash);
    return;
  }
  if (slots == nullptr || slots->full()) {
    slots = std::make_unique<Slots>(std::unique_ptr<Slots>(slots)).release();
    owned.store(slots, std::memory_order_release);
  }
  slots->Add(leaf.segment, hash);
}

void LeafTable::Clear() {
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    roots_[partition].store(0, std::memory_order_relaxed);
    Slots* slots = partitions_[partition].load(std::memory_order_relaxed);
    if (slots == nullptr) continue;
    for (uint32_t i = 0; i < slots->used(); ++i) slots->Set(i, 0);
  }
}

}  // namespace henge
