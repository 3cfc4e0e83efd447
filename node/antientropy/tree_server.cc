#include "node/antientropy/tree_server.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"

namespace henge {
namespace {

constexpr size_t kLeafPageBytes = size_t{256} << 10;

absl::Status NotShared(uint32_t partition) {
  return absl::InvalidArgumentError(absl::StrCat("partition ", partition, " is not one that both nodes compare"));
}

// The partition that a node of a level below the roots is of.
PartitionId PartitionOfNode(TreeLevel level, uint32_t node) {
  const uint32_t per_partition = level == TreeLevel::kBranches ? 1
                                 : level == TreeLevel::kLeaves ? kTreeBranches
                                                               : kTreeLeaves;
  return PartitionId(static_cast<uint16_t>(node / per_partition));
}

void AppendRoots(const StoreEngine& engine, const SharedPartitions& shared, uint32_t group, TreeReply* reply) {
  const PartitionId begin(static_cast<uint16_t>(group * kPartitionsOfGroup));
  auto at = std::lower_bound(shared.partitions.begin(), shared.partitions.end(), begin);
  for (; at != shared.partitions.end() && at->value() / kPartitionsOfGroup == static_cast<int>(group); ++at) {
    reply->hashes.push_back(engine.ReadRoot(*at));
  }
}

}  // namespace

std::vector<uint64_t> GroupHashes(const StoreEngine& engine, const SharedPartitions& shared) {
  std::vector<uint64_t> groups(kPartitionGroups, 0);
  for (PartitionId partition : shared.partitions) {
    groups[partition.value() / kPartitionsOfGroup] ^= engine.ReadRoot(partition);
  }
  return groups;
}

TreeServer::TreeServer(MemberId self, ShardEnvironment environment, StoreEngine& engine, TakenLeaves& taken)
    : env_(environment), engine_(engine), shared_(self), taken_(taken) {}

void TreeServer::Refuse(MemberId from, absl::Status why, PeerHandler::ReplyFn reply) {
  ++refused_;
  if (said_.MaySay(absl::StrCat(from.value(), "/", std::string(why.message())), env_.clock.Now())) {
    env_.tracer.Event(Severity::kWarning, "TreesNotComparable",
                      {{"peer", uint64_t{from.value()}}, {"why", std::string(why.message())}});
  }
  reply(std::move(why));
}

void TreeServer::Serve(MemberId from, TreeRequest request, const RingPtr& ring, PeerHandler::ReplyFn reply) {
  const std::shared_ptr<const SharedPartitions> shared = shared_.With(from, ring, request.stride, request.first);
  TreeParameters ours;
  ours.cluster = ring->cluster();
  ours.epoch = shared->digest;
  if (absl::Status comparable = CheckComparable(ours, request.parameters); !comparable.ok()) {
    return Refuse(from, std::move(comparable), std::move(reply));
  }
  for (uint32_t node : request.nodes) {
    if (request.level <= TreeLevel::kRoots) break;
    if (shared->Contains(PartitionOfNode(request.level, node))) continue;
    return Refuse(from, NotShared(PartitionOfNode(request.level, node).value()), std::move(reply));
  }
  if (request.level == TreeLevel::kRecords) {
    ServeRecords(from, request, std::move(reply));
    return;
  }
  absl::StatusOr<TreeReply> answer = Answer(request, *shared);
  reply(answer.ok() ? absl::StatusOr<PeerReply>(*std::move(answer)) : absl::StatusOr<PeerReply>(answer.status()));
}

absl::StatusOr<TreeReply> TreeServer::Answer(const TreeRequest& request, const SharedPartitions& shared) const {
  TreeReply reply;
  if (request.level == TreeLevel::kGroups) {
    reply.hashes = GroupHashes(engine_, shared);
    uint64_t all = 0;
    for (uint64_t group : reply.hashes) all ^= group;
    reply.same = all == request.known;
    if (reply.same) reply.hashes.clear();
    return reply;
  }
  std::optional<PartitionId> read;
  PartitionTree tree;
  for (uint32_t node : request.nodes) {
    if (request.level == TreeLevel::kRoots) {
      AppendRoots(engine_, shared, node, &reply);
      continue;
    }
    const PartitionId partition = PartitionOfNode(request.level, node);
    if (read != partition) tree = engine_.ReadTree(partition);
    read = partition;
    if (request.level == TreeLevel::kBranches) {
      reply.hashes.insert(reply.hashes.end(), tree.branches().begin(), tree.branches().end());
    } else {
      const auto branch = tree.leaves().begin() + node % kTreeBranches * kLeavesOfBranch;
      reply.hashes.insert(reply.hashes.end(), branch, branch + kLeavesOfBranch);
    }
  }
  return reply;
}

void TreeServer::ServeRecords(MemberId from, const TreeRequest& request, PeerHandler::ReplyFn reply) {
  if (request.nodes.size() != 1) {
    return Refuse(from, absl::InvalidArgumentError("the records of one leaf at a time"), std::move(reply));
  }
  const uint32_t node = request.nodes[0];
  const LeafId leaf{PartitionOfNode(request.level, node), static_cast<uint8_t>(node % kTreeLeaves)};
  std::optional<RecordKey> after;
  if (!request.after_key.empty()) {
    after = RecordKey{leaf.partition, request.after_bucket, request.after_key};
    if (PartitionOf(after->key) != leaf.partition || SegmentOf(after->bucket, after->key) != leaf.segment) {
      return Refuse(from, absl::InvalidArgumentError("the key to go on after is of another leaf"), std::move(reply));
    }
  }
  taken_.Take(from, leaf, env_.clock.Now());
  engine_.ScanLeaf(leaf, std::move(after), kLeafPageBytes, env_.executor,
                   [alive = std::weak_ptr<bool>(alive_),
                    reply = std::move(reply)](absl::StatusOr<StoreEngine::LeafPage> page) mutable {
                     if (alive.expired()) return;
                     if (!page.ok()) {
                       reply(std::move(page).status());
                       return;
                     }
                     TreeReply answer;
                     answer.records = std::move(page->records);
                     answer.done = page->done;
                     reply(PeerReply(std::move(answer)));
                   });
}

}  // namespace henge
