#include "storage/leaf_table.h"

namespace henge {

LeafTable::LeafTable() = default;

LeafTable::~LeafTable() {
  for (std::atomic<Leaves*>& leaves : partitions_) delete leaves.load(std::memory_order_relaxed);
}

uint64_t LeafTable::Leaf(LeafId leaf) const {
  const Leaves* leaves = partitions_[leaf.partition.value()].load(std::memory_order_acquire);
  return leaves == nullptr ? 0 : (*leaves)[leaf.segment].load(std::memory_order_relaxed);
}

PartitionTree LeafTable::Tree(PartitionId partition) const {
  const Leaves* leaves = partitions_[partition.value()].load(std::memory_order_acquire);
  if (leaves == nullptr) return PartitionTree();
  std::array<uint64_t, kTreeLeaves> copy;
  for (int segment = 0; segment < kTreeLeaves; ++segment) {
    copy[segment] = (*leaves)[segment].load(std::memory_order_relaxed);
  }
  return PartitionTree(copy);
}

void LeafTable::Set(LeafId leaf, uint64_t hash) {
  std::atomic<Leaves*>& slot = partitions_[leaf.partition.value()];
  Leaves* leaves = slot.load(std::memory_order_relaxed);
  if (leaves == nullptr) {
    leaves = new Leaves();
    slot.store(leaves, std::memory_order_release);
  }
  std::atomic<uint64_t>& at = (*leaves)[leaf.segment];
  std::atomic<uint64_t>& root = roots_[leaf.partition.value()];
  root.store(root.load(std::memory_order_relaxed) ^ at.load(std::memory_order_relaxed) ^ hash,
             std::memory_order_relaxed);
  at.store(hash, std::memory_order_relaxed);
}

void LeafTable::Clear() {
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    roots_[partition].store(0, std::memory_order_relaxed);
    Leaves* leaves = partitions_[partition].load(std::memory_order_relaxed);
    if (leaves == nullptr) continue;
    for (std::atomic<uint64_t>& leaf : *leaves) leaf.store(0, std::memory_order_relaxed);
  }
}

}  // namespace henge
