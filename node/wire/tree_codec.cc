#include "node/wire/tree_codec.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge {
namespace {

constexpr auto kTreeLevelMax = static_cast<uint32_t>(TreeLevel::kRecords);

absl::Status BadTreeCall(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("bad peer call: ", what));
}

// One past the greatest node of a level.
uint32_t NodesOf(TreeLevel level) {
  switch (level) {
    case TreeLevel::kGroups:
      return 0;
    case TreeLevel::kRoots:
      return kPartitionGroups;
    case TreeLevel::kBranches:
      return kPartitionCount;
    case TreeLevel::kLeaves:
      return kPartitionCount * kTreeBranches;
    case TreeLevel::kRecords:
      return kPartitionCount * kTreeLeaves;
  }
  return 0;
}

absl::Status CheckNodes(const v1::TreeCall& in, TreeLevel level) {
  const auto count = static_cast<size_t>(in.nodes_size());
  if (count > kTreeNodesMax) return BadTreeCall(absl::StrCat(count, " tree nodes, the limit is ", kTreeNodesMax));
  if (level == TreeLevel::kRecords && count != 1) return BadTreeCall(absl::StrCat("records of ", count, " leaves"));
  for (int i = 0; i < in.nodes_size(); ++i) {
    if (in.nodes(i) >= NodesOf(level)) return BadTreeCall(absl::StrCat("there is no tree node ", in.nodes(i)));
    if (i > 0 && in.nodes(i) <= in.nodes(i - 1)) return BadTreeCall("tree nodes out of order");
  }
  return absl::OkStatus();
}

}  // namespace

void TreeRequestToProto(TreeRequest request, v1::TreeCall* out) {
  out->set_level(static_cast<uint32_t>(request.level));
  out->set_hash_version(request.parameters.hash_version);
  out->set_leaves(request.parameters.leaves);
  out->set_branches(request.parameters.branches);
  out->set_cluster(request.parameters.cluster.value());
  out->set_layout(request.parameters.epoch.value());
  out->set_stride(request.stride);
  out->set_first(request.first);
  out->set_known(request.known);
  out->clear_nodes();
  for (uint32_t node : request.nodes) out->add_nodes(node);
  out->set_after_bucket(request.after_bucket.value());
  out->set_after_key(std::move(request.after_key));
}

absl::StatusOr<TreeRequest> TreeRequestFromProto(v1::TreeCall* in) {
  if (in->level() < 1 || in->level() > kTreeLevelMax) {
    return BadTreeCall(absl::StrCat("a level ", in->level(), " of trees, which this version doesn't know"));
  }
  if (in->stride() < 1 || in->stride() > kTreeStrideMax || in->first() >= in->stride()) {
    return BadTreeCall(absl::StrCat("the partitions ", in->first(), " modulo ", in->stride()));
  }
  if (in->after_key().size() > kKeyBytesMax) return BadTreeCall("a key to go on after that is too long");
  TreeRequest request;
  request.level = static_cast<TreeLevel>(in->level());
  if (absl::Status nodes = CheckNodes(*in, request.level); !nodes.ok()) return nodes;
  request.parameters.hash_version = in->hash_version();
  request.parameters.leaves = in->leaves();
  request.parameters.branches = in->branches();
  request.parameters.cluster = ClusterId(in->cluster());
  request.parameters.epoch = LayoutEpoch(in->layout());
  request.stride = in->stride();
  request.first = in->first();
  request.known = in->known();
  request.nodes.assign(in->nodes().begin(), in->nodes().end());
  request.after_bucket = BucketId(in->after_bucket());
  request.after_key = std::move(*in->mutable_after_key());
  return request;
}

void TreeReplyToProto(TreeReply reply, v1::TreeAnswer* out) {
  out->set_same(reply.same);
  out->clear_hashes();
  for (uint64_t hash : reply.hashes) out->add_hashes(hash);
  out->clear_records();
  for (LeafRecord& record : reply.records) {
    v1::TreeAnswer::Record* to = out->add_records();
    to->set_bucket(record.bucket.value());
    to->set_key(std::move(record.key));
    to->set_hash(record.hash);
  }
  out->set_done(reply.done);
}

absl::StatusOr<TreeReply> TreeReplyFromProto(v1::TreeAnswer* in) {
  TreeReply reply;
  reply.same = in->same();
  reply.hashes.assign(in->hashes().begin(), in->hashes().end());
  reply.records.reserve(static_cast<size_t>(in->records_size()));
  for (v1::TreeAnswer::Record& record : *in->mutable_records()) {
    if (record.key().empty() || record.key().size() > kKeyBytesMax) {
      return absl::InternalError(absl::StrCat("the peer lists a key of ", record.key().size(), " bytes"));
    }
    reply.records.push_back({BucketId(record.bucket()), std::move(*record.mutable_key()), record.hash()});
  }
  reply.done = in->done();
  return reply;
}

}  // namespace henge
