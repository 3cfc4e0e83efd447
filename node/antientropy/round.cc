// The way down: from groups of roots to the leaves that differ.
#include "node/antientropy/round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/merkle.h"
#include "node/antientropy/tree_server.h"

namespace henge {
namespace {

// So many of each level in one request.
constexpr size_t kGroupsAtOnce = 8;
constexpr size_t kPartitionsAtOnce = 64;
constexpr size_t kBranchesAtOnce = 128;

template <class T>
std::vector<std::vector<T>> Batches(const std::vector<T>& all, size_t size) {
  std::vector<std::vector<T>> batches;
  for (size_t i = 0; i < all.size(); i += size) {
    batches.emplace_back(all.begin() + static_cast<ptrdiff_t>(i),
                         all.begin() + static_cast<ptrdiff_t>(std::min(i + size, all.size())));
  }
  return batches;
}

absl::Status Misfit() {
  return absl::InternalError(
      "the peer's answer does not fit what it was asked about its trees: run versions that fit together");
}

uint64_t XorOf(const std::vector<uint64_t>& hashes) {
  uint64_t all = 0;
  for (uint64_t hash : hashes) all ^= hash;
  return all;
}

}  // namespace

Completion<absl::StatusOr<PeerReply>> Round::Call(PeerRequest request) {
  Completion<absl::StatusOr<PeerReply>> answer;
  const MonotonicTime deadline = core_->env.clock.Now() + core_->options.call_time_max;
  core_->env.transport.Call(peer_, std::move(request), deadline,
                            [answer](absl::StatusOr<PeerReply> reply) mutable { answer.Set(std::move(reply)); });
  return answer;
}

TreeRequest Round::Request(TreeLevel level) const {
  TreeRequest request;
  request.level = level;
  request.parameters.cluster = core_->ring->cluster();
  request.parameters.epoch = shared_->digest;
  request.stride = core_->place.shards;
  request.first = core_->place.shard;
  return request;
}

Task<absl::StatusOr<Round::Hashes>> Round::Ask(TreeLevel level, std::vector<uint32_t> nodes, size_t expected) {
  TreeRequest request = Request(level);
  request.nodes = std::move(nodes);
  absl::StatusOr<PeerReply> reply = co_await Call(std::move(request));
  if (!reply.ok()) co_return std::move(reply).status();
  auto* tree = std::get_if<TreeReply>(&*reply);
  if (tree == nullptr || tree->hashes.size() != expected) {
    co_return Misfit();
  }
  co_return std::move(tree->hashes);
}

Task<RoundEnd> Round::Run() {
  ticket_ = core_->recovery.Begin();
  core_->taken.DropOld(core_->env.clock.Now());
  shared_ = core_->shared.With(peer_, core_->ring, core_->place.shards, core_->place.shard);
  RoundEnd end;
  end.status = co_await CompareGroups();
  end.equal = end.status.ok() && differ_.empty();
  if (!to_repair_.empty()) co_await RepairAll();
  for (PartitionId partition : differ_) {
    if (end.status.ok() && !open_.contains(partition)) core_->recovery.Ended(partition, peer_, ticket_);
  }
  end.look_again = look_again_;
  end.all_noted = all_noted_;
  co_return end;
}

Task<bool> Round::Mend(LeafId leaf) {
  shared_ = core_->shared.With(peer_, core_->ring, core_->place.shards, core_->place.shard);
  const bool pulled = co_await PullListed(leaf);
  co_return pulled;
}

Task<absl::Status> Round::CompareGroups() {
  TreeRequest request = Request(TreeLevel::kGroups);
  request.known = XorOf(GroupHashes(core_->engine, *shared_));
  absl::StatusOr<PeerReply> reply = co_await Call(std::move(request));
  if (!reply.ok()) co_return std::move(reply).status();
  auto* theirs = std::get_if<TreeReply>(&*reply);
  if (theirs == nullptr || (!theirs->same && theirs->hashes.size() != kPartitionGroups)) {
    co_return Misfit();
  }
  const Hashes ours = GroupHashes(core_->engine, *shared_);
  std::vector<uint32_t> groups;
  for (uint32_t group = 0; !theirs->same && group < kPartitionGroups; ++group) {
    if (ours[group] != theirs->hashes[group]) groups.push_back(group);
  }
  for (PartitionId partition : shared_->partitions) {
    const uint32_t group = partition.value() / kPartitionsOfGroup;
    if (!std::binary_search(groups.begin(), groups.end(), group)) PartitionEqual(partition);
  }
  for (std::vector<uint32_t>& batch : Batches(groups, kGroupsAtOnce)) {
    absl::Status compared = co_await CompareRoots(std::move(batch));
    if (!compared.ok()) co_return compared;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Round::CompareRoots(std::vector<uint32_t> groups) {
  std::vector<PartitionId> partitions;
  for (PartitionId partition : shared_->partitions) {
    const uint32_t group = partition.value() / kPartitionsOfGroup;
    if (std::binary_search(groups.begin(), groups.end(), group)) partitions.push_back(partition);
  }
  const size_t expected = partitions.size();
  absl::StatusOr<Hashes> roots = co_await Ask(TreeLevel::kRoots, std::move(groups), expected);
  if (!roots.ok()) co_return std::move(roots).status();
  std::vector<PartitionId> differing;
  for (size_t i = 0; i < partitions.size(); ++i) {
    if (core_->engine.ReadRoot(partitions[i]) == (*roots)[i]) {
      PartitionEqual(partitions[i]);
    } else {
      differing.push_back(partitions[i]);
    }
  }
  for (std::vector<PartitionId>& batch : Batches(differing, kPartitionsAtOnce)) {
    absl::Status compared = co_await CompareBranches(std::move(batch));
    if (!compared.ok()) co_return compared;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Round::CompareBranches(std::vector<PartitionId> partitions) {
  std::vector<uint32_t> nodes;
  nodes.reserve(partitions.size());
  for (PartitionId partition : partitions) nodes.push_back(partition.value());
  absl::StatusOr<Hashes> theirs =
      co_await Ask(TreeLevel::kBranches, std::move(nodes), partitions.size() * kTreeBranches);
  if (!theirs.ok()) co_return std::move(theirs).status();
  std::vector<uint32_t> branches;
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto from = theirs->begin() + static_cast<ptrdiff_t>(i * kTreeBranches);
    absl::StatusOr<std::vector<uint8_t>> differing =
        DifferingBranches(core_->engine.ReadTree(partitions[i]), Hashes(from, from + kTreeBranches));
    if (!differing.ok()) co_return std::move(differing).status();
    if (differing->empty()) PartitionEqual(partitions[i]);  // what differed was a write on its way
    for (uint8_t branch : *differing) branches.push_back(partitions[i].value() * uint32_t{kTreeBranches} + branch);
  }
  for (std::vector<uint32_t>& batch : Batches(branches, kBranchesAtOnce)) {
    absl::Status compared = co_await CompareLeaves(std::move(batch));
    if (!compared.ok()) co_return compared;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Round::CompareLeaves(std::vector<uint32_t> branches) {
  absl::StatusOr<Hashes> theirs = co_await Ask(TreeLevel::kLeaves, branches, branches.size() * kLeavesOfBranch);
  if (!theirs.ok()) co_return std::move(theirs).status();
  for (size_t i = 0; i < branches.size(); ++i) {
    const PartitionId partition(static_cast<uint16_t>(branches[i] / kTreeBranches));
    const PartitionTree tree = core_->engine.ReadTree(partition);
    const auto first = static_cast<uint8_t>(branches[i] % kTreeBranches * kLeavesOfBranch);
    for (int leaf = 0; leaf < kLeavesOfBranch; ++leaf) {
      const auto segment = static_cast<uint8_t>(first + leaf);
      if (tree.leaf(segment) == (*theirs)[i * kLeavesOfBranch + static_cast<size_t>(leaf)]) {
        core_->watch.LeafIsEqual(peer_, partition, segment);
      } else {
        LeafDiffers({partition, segment});
      }
    }
  }
  co_return absl::OkStatus();
}

void Round::PartitionEqual(PartitionId partition) {
  if (core_->watch.size() > 0) core_->watch.PartitionIsEqual(peer_, partition);
  if (core_->recovery.size() > 0) core_->recovery.Ended(partition, peer_, ticket_);
}

void Round::LeafDiffers(LeafId leaf) {
  differ_.insert(leaf.partition);
  const bool again = core_->watch.Differs(peer_, leaf.partition, leaf.segment, core_->env.clock.Now(), compared_);
  all_noted_ = all_noted_ && !core_->watch.full();
  if (again || core_->recovery.IsRecovering(leaf.partition)) {
    to_repair_.push_back(leaf);
  } else {
    open_.insert(leaf.partition);
    look_again_ = true;
  }
}

}  // namespace henge
