#include "node/fence.h"

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {

absl::Status CheckEpoch(const Ring& ring, PartitionId partition, LayoutEpoch epoch) {
  if (partition.value() >= kPartitionCount) {
    return absl::InvalidArgumentError(absl::StrCat("there is no partition ", partition.value()));
  }
  if (epoch == ring.Epoch(partition)) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("stale layout epoch: the request has ", epoch.value(), ", partition ",
                                         partition.value(), " is at ", ring.Epoch(partition).value()));
}

absl::Status CheckRecordKey(const Ring& ring, const RecordKey& key) {
  if (key.key.empty() || key.key.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a key of ", key.key.size(), " bytes"));
  }
  if (ring.state().FindBucket(key.bucket) != nullptr) return absl::OkStatus();
  const uint64_t version = ring.version().value();
  // P34: an id below the next one was dropped for good; one above it is of a state that this node has yet to see.
  if (ring.state().IsDropped(key.bucket)) {
    return absl::FailedPreconditionError(absl::StrCat("the bucket with the id ", key.bucket.value(),
                                                      " was dropped as of cluster state version ", version));
  }
  return absl::AbortedError(absl::StrCat("cluster state version ", version, " has no bucket with the id ",
                                         key.bucket.value(), " yet: this node must catch up first"));
}

absl::Status CheckPeerCluster(const ClusterState& state, ClusterId theirs, MemberId from) {
  const Member* member = state.FindMember(from);
  if (theirs == state.cluster) {
    if (member != nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("member ", from.value(),
                     " is not in this cluster: it was removed, or its initial cluster is not that of the others"));
  }
  const std::string id = absl::StrCat(absl::Hex(state.cluster.value(), absl::kZeroPad16));
  if (!state.HasFormer(theirs)) {
    return absl::FailedPreconditionError(
        "this node belongs to another cluster: the initial cluster, the token and the number of replicas must be the "
        "same on all members");
  }
  if (member != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the cluster was recovered under the id ", id, ", with ", member->name,
        ", which still goes by the old one: it takes over by itself if it has accepted that; if its disk was replaced "
        "since, it can't come back under this name"));
  }
  return absl::PermissionDeniedError(
      absl::StrCat("member ", from.value(), " was given up: an operator has recovered the cluster under the id ", id,
                   " without it. Its data directory is left as it is; it never comes back as this member"));
}

}  // namespace henge
