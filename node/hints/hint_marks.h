// What a full store of hints does to go on, and how what it gave up is followed to its end (P17, P18).
//
// Loop-affine, owned by the shard. Two courses, each one at a time:
// *Relief*: while the hints fill their bound, each is merged into the owners beside its target; once as many of them as
// its write's W hold it durably, it becomes a dirty mark of its segment, which takes no room.
// *Clearing*: all owners are asked for the hashes of the marked leaves. Equal hashes, asked for after the mark was
// made, show that the target has what the others have: the mark goes. That they become equal is anti-entropy's work. A
// mark is no copy, counts for nothing and is never sent. Without marks there is no timer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/local_replica.h"
#include "core/model/liveness.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"
#include "node/background_budget.h"
#include "node/hints/hint_keeper.h"
#include "storage/store_engine.h"

namespace henge {

struct HintMarksOptions {
  MemberId self;
  uint64_t bytes_max = 0;      // of this shard's hints
  double begin_share = 0.875;  // of it: relief begins,
  double end_share = 0.75;     // and ends
  Duration call_timeout = std::chrono::seconds(5);
  Duration backoff_min = std::chrono::seconds(1);  // after a relief that gained nothing, or between clearings
  Duration backoff_max = std::chrono::seconds(60);
  size_t page_bytes = size_t{256} << 10;  // on their way at once
  size_t page_items = 64;
};

class HintMarks {
 public:
  // Everything outlives it. Begins with the marks that the shelf holds.
  HintMarks(HintMarksOptions options, ShardEnvironment environment, HintShelf& shelf, LocalReplica& replica,
            StoreEngine& engine, BackgroundBudget& budget, RingPtr ring);
  ~HintMarks();

  void UpdateRing(RingPtr ring);
  void UpdateLiveness(LivenessPtr liveness);
  // The hints have grown.
  void Consider();
  // One was refused: there is no room.
  void Relieve();
  void Stop();

  void AddTo(HintFigures* figures) const;

 private:
  struct Page;
  struct Proof;

  // Relief: hint_marks.cc.
  Task<void> Relief();
  // Goes on behind where the last one ended.
  Task<void> ReliefOf(MemberId target);
  Task<absl::StatusOr<HintStore::Page>> ReadPage(MemberId target);
  Task<bool> ProvePage(HintStore::Page page);
  // The owners whose copies count in the place of the hint, if they are enough.
  std::vector<MemberId> Witnesses(const HintKey& key, uint32_t needed) const;
  void Prove(HintKey key, StoredHint hint, std::vector<MemberId> witnesses, std::shared_ptr<Page> page);
  void OnWitness(const std::shared_ptr<Proof>& proof, const absl::Status& status);
  bool HasRoom() const { return shelf_.projected_bytes() <= static_cast<int64_t>(end_bytes_); }

  // Clearing: mark_clearing.cc.
  void ArmClearing(MonotonicTime when);
  void BeginClearing();
  Task<void> Clearing();
  Task<bool> ClearOne(PartitionId partition);
  // In which of `segments` all owners hold the same.
  Task<SegmentSet> EqualSegments(PartitionId partition, SegmentSet segments);
  Task<std::optional<std::vector<uint64_t>>> AskLeaves(MemberId owner, std::string ask);

  bool IsAlive(MemberId member) const { return liveness_ == nullptr || liveness_->Of(member) == Liveness::kAlive; }
  int64_t WallMs() const { return env_.clock.WallNow().time_since_epoch().count(); }

  const HintMarksOptions options_;
  const uint64_t begin_bytes_;
  const uint64_t end_bytes_;
  ShardEnvironment env_;
  HintShelf& shelf_;
  LocalReplica& replica_;
  StoreEngine& engine_;
  BackgroundBudget& budget_;
  RingPtr ring_;
  LivenessPtr liveness_;
  bool stopped_ = false;

  bool relieving_ = false;
  Duration relief_backoff_{0};
  MonotonicTime relief_not_before_{};
  std::map<MemberId, std::string> cursors_;

  bool clearing_ = false;
  Duration clear_backoff_{0};
  std::optional<TimerId> timer_;
  MonotonicTime timer_at_{};

  uint64_t marked_ = 0;
  uint64_t cleared_ = 0;
  std::shared_ptr<bool> alive_;  // answers that come after the end find it gone
  TaskScope tasks_;
};

}  // namespace henge
