// What a request says of a partition and a bucket, against what this node knows of them (P33, P34). Pure.
#pragma once

#include "absl/status/status.h"
#include "core/model/ring.h"
#include "core/runtime/messages.h"

namespace henge {

// ABORTED for an epoch that is not the partition's: one of the two must catch up. INVALID_ARGUMENT for no partition.
absl::Status CheckEpoch(const Ring& ring, PartitionId partition, LayoutEpoch epoch);

// INVALID_ARGUMENT for a key that can't be; FAILED_PRECONDITION for one of a dropped bucket; ABORTED for one of a
// bucket that this node has yet to hear of.
absl::Status CheckRecordKey(const Ring& ring, const RecordKey& key);

// Whether `from`, which goes by the cluster `theirs`, may speak to a member of `state`'s cluster (P32).
// PERMISSION_DENIED: it was given up when the survivors of a lost majority took a new id; nothing else between peers
// has that code. FAILED_PRECONDITION: it survived, and has yet to take over; or it is a stranger.
absl::Status CheckPeerCluster(const ClusterState& state, ClusterId theirs, MemberId from);

}  // namespace henge
