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
};

class Round : public std::enable_shared_from_this<Round> {
 public:
  Round(EntropyCore* core, MemberId peer) : core_(core), peer_(peer) {}

  Task<RoundEnd> Run();

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

  Task<void> RepairAll();
  static Task<void> Lane(std::shared_ptr<Round> round, Completion<bool> done);
  Task<bool> RepairLeaf(LeafId leaf);
  struct Window;
  Task<absl::StatusOr<Window>> ReadWindow(LeafId leaf, std::optional<RecordKey> after);
  // Whether a record of this bucket can be exchanged (P34); a dropped one's needn't be.
  enum class Bucket { kKnown, kDropped, kUnknown };
  Bucket BucketOf(BucketId id) const;
  Task<bool> Pull(RecordKey key);
  Task<bool> Push(RecordKey key);
  Task<void> Pay(size_t bytes);

  EntropyCore* const core_;
  const MemberId peer_;
  std::shared_ptr<const SharedPartitions> shared_;
  Recovery::Ticket ticket_ = 0;
  std::set<PartitionId> open_;    // differ in leaves that were not looked at, or not repaired
  std::set<PartitionId> differ_;  // in any leaf
  std::deque<LeafId> to_repair_;
  bool look_again_ = false;
};

}  // namespace henge
