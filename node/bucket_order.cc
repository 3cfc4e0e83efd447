#include "node/bucket_order.h"

#include "core/model/bucket_changes.h"
#include "core/runtime/status_macros.h"

namespace henge {

absl::StatusOr<StateChange> ChangeOf(const BucketOrder& order) {
  ConflictPolicy conflict = ConflictPolicy::kSiblings;
  if (!order.conflict.empty()) {
    if (order.action != BucketOrder::Action::kCreate) {
      return absl::InvalidArgumentError(
          "a bucket's conflict policy is chosen when it is created, and never changes: create another bucket");
    }
    HENGE_ASSIGN_OR_RETURN(conflict, ParseConflict(order.conflict));
  }
  BucketSettings settings{.read_quorum = order.read_quorum, .write_quorum = order.write_quorum, .ttl_ms = order.ttl_ms};
  if (!order.mode.empty()) {
    HENGE_ASSIGN_OR_RETURN(settings.mode, ParseBucketMode(order.mode));
  }
  if (!order.durability.empty()) {
    HENGE_ASSIGN_OR_RETURN(settings.durability, ParseDurability(order.durability));
  }
  switch (order.action) {
    case BucketOrder::Action::kCreate:
      return StateChange([name = order.name, conflict, settings](const ClusterState& state) {
        return CreateBucket(state, name, conflict, settings);
      });
    case BucketOrder::Action::kSet:
      return StateChange(
          [name = order.name, settings](const ClusterState& state) { return SetBucket(state, name, settings); });
    case BucketOrder::Action::kDrop:
      return StateChange([name = order.name](const ClusterState& state) { return DropBucket(state, name); });
  }
  return absl::InvalidArgumentError("this is nothing that can be done to a bucket");
}

}  // namespace henge
