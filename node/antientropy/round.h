// One comparison with one peer, from the roots down to the records, and the repair of what differs.
//
// Loop-affine; kept alive by the driver and the lanes. A leaf that differs is repaired only if it differed before
// (difference_watch.h), or if its partition is recovering, which wants an end more than it fears a needless scan. What
// differs is merged in both directions; nobody decides which side is right (P1, H25).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/runtime/task.h"
#include "node/antientropy/entropy_core.h"

namespace henge {

struct RoundEnd {
  absl::Status status;      // an error: the peer could not be compared to the end
  bool equal = false;       // no difference was seen
  bool look_again = false;  // differences that must be seen a second time
  bool all_noted = true;    // every difference is watched
};

class Round : public std::enable_shared_from_this<Round> {
 public:
  // `compared`: when the last round with this peer that saw all leaves began, if one did.
  Round(EntropyCore* core, MemberId peer, std::optional<MonotonicTime> compared = std::nullopt)
      : core_(core), peer_(peer), compared_(compared) {}

  Task<RoundEnd> Run();
  // Instead of a comparison: has every record of `leaf` that the peer lists merged here, in order that those which
  // can't be read here are mended. Whether all could be.
  Task<bool> Mend(LeafId leaf);

 private:
  using Hashes = std::vector<uint64_t>;

  Completion<absl::StatusOr<PeerReply>> Call(PeerRequest request);
  // The hashes of `nodes`; an error unless there are as many as `expected`.
  Task<absl::StatusOr<Hashes>> Ask(TreeLevel level, std::vector<uint32_t> nodes, size_t expected);
  TreeRequest Request(TreeLevel level) const;

  Task<absl::Status> CompareGroups();
  Task<absl::Status> CompareRoots(std::vector<uint32_t> groups);
  Task<absl::Status> CompareBranches(std::vector<PartitionId> partitions);
  Task<absl::Status> CompareLeaves(std::vector<uint32_t> branches);
  void PartitionEqual(PartitionId partition);
  void LeafDiffers(LeafId leaf);

  void OrderRepairs();
  Task<void> RepairAll();
  static Task<void> Lane(std::shared_ptr<Round> round, Completion<bool> done);
  Task<bool> RepairLeaf(LeafId leaf);
  struct Window;
  Task<absl::StatusOr<Window>> ReadWindow(LeafId leaf, std::optional<RecordKey> after);
  Task<absl::StatusOr<TreeReply>> AskRecords(LeafId leaf, std::optional<RecordKey> after);
  // What the peer lists, for a leaf that can't be scanned here.
  Task<bool> PullListed(LeafId leaf);
  Task<bool> PullPatiently(RecordKey key);
  // Whether a record of this bucket can be exchanged (P34); a dropped one's needn't be.
  enum class Bucket { kKnown, kDropped, kUnknown };
  Bucket BucketOf(BucketId id) const;
  Task<bool> Pull(RecordKey key);
  Task<bool> Push(RecordKey key);
  Task<void> Pay(size_t bytes);

  EntropyCore* const core_;
  const MemberId peer_;
  const std::optional<MonotonicTime> compared_;
  std::shared_ptr<const SharedPartitions> shared_;
  Recovery::Ticket ticket_ = 0;
  std::set<PartitionId> open_;    // differ in leaves that were not looked at, or not repaired
  std::set<PartitionId> differ_;  // in any leaf
  std::deque<LeafId> to_repair_;
  MonotonicTime repair_until_;
  bool look_again_ = false;
  bool all_noted_ = true;
};

}  // namespace henge
