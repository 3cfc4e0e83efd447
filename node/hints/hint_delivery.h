// Hinted handoff: brings the hints of one shard to the owners that missed them (P18).
//
// Loop-affine, owned by the shard. A round goes through one target's hints in storage order, a bounded page at a time,
// sends each by Merge, and removes it by compare-and-delete once it is durably acknowledged. A round begins soon after
// a hint was kept for a target that seems alive, at once when a target comes back, when the ring changes, and at the
// start of the process (H20); it backs off on failure. A target that seems dead is tried with a single hint now and
// then: liveness is an opinion. Without hints there is no timer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "coordinator/local_replica.h"
#include "core/model/liveness.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"
#include "node/background_budget.h"
#include "node/hints/hint_keeper.h"
#include "node/hints/hint_route.h"

namespace henge {

struct HintDeliveryOptions {
  MemberId self;
  Duration settle = std::chrono::milliseconds(500);  // from a hint to its first delivery: more may gather
  Duration backoff_min = std::chrono::milliseconds(500);
  Duration backoff_max = std::chrono::seconds(60);  // also between the attempts at a target that seems dead
  Duration call_timeout = std::chrono::seconds(5);
  size_t page_bytes = size_t{256} << 10;  // on their way at once, to one target
  size_t page_items = 64;
};

class HintDelivery {
 public:
  // Everything outlives the delivery. Begins with what the keeper's shelf holds.
  HintDelivery(HintDeliveryOptions options, ShardEnvironment environment, HintKeeper& keeper, LocalReplica& replica,
               BackgroundBudget& budget, RingPtr ring);
  ~HintDelivery();

  void UpdateRing(RingPtr ring);
  void UpdateLiveness(LivenessPtr liveness);
  // A hint for `target` has become durable.
  void Consider(MemberId target);
  // Begins no more rounds; those under way end after their page.
  void Stop();

  void AddTo(HintFigures* figures) const;

 private:
  // What is going on about one target.
  struct Course {
    bool running = false;
    bool check_routes = true;  // the ring may have moved hints of this target to others
    Duration backoff{0};
    MonotonicTime not_before{};
    bool armed = false;
    MonotonicTime armed_for{};
    TimerId timer;
  };
  enum class Kind : uint8_t {
    kAll,         // the target seems alive
    kRoutesOnly,  // only what goes elsewhere
    kProbe,       // the target seems dead: one hint first
  };
  struct PageRun;
  struct Item;

  // Hints that this process did not take itself: what an earlier one left behind (H20).
  void NoteFound();
  void NoteReplaced(const Ring& before, const Ring& now) const;
  void Reconsider(MemberId target, Course* course);
  void Arm(MemberId target, Course* course, MonotonicTime when);
  void Disarm(Course* course);
  void Begin(MemberId target);
  Task<void> Round(MemberId target, Kind kind);
  Task<absl::StatusOr<HintStore::Page>> ReadPage(MemberId target, std::string cursor, size_t items_max);
  Task<bool> SendPage(HintStore::Page page, Kind kind, std::shared_ptr<PageRun> run);
  void SayIfStranger(MemberId target);
  void Send(HintKey key, StoredHint hint, HintRoute route, std::shared_ptr<PageRun> run);
  void OnReply(std::shared_ptr<Item> item, MemberId from, const absl::Status& status);
  void Remove(std::shared_ptr<Item> item);
  void Drop(HintKey key, uint64_t digest, std::shared_ptr<PageRun> run);
  void End(MemberId target, Kind kind, bool failed, bool left_some);
  bool IsAlive(MemberId member) const { return liveness_ == nullptr || liveness_->Of(member) == Liveness::kAlive; }
  bool AllAlive(const HintRoute& route) const;

  const HintDeliveryOptions options_;
  ShardEnvironment env_;
  HintKeeper& keeper_;
  LocalReplica& replica_;
  BackgroundBudget& budget_;
  RingPtr ring_;
  LivenessPtr liveness_;
  std::map<MemberId, Course> courses_;
  std::set<MemberId> found_;  // targets of hints that were there before this process, until none is left
  bool stopped_ = false;
  uint64_t delivered_ = 0;
  uint64_t redirected_ = 0;
  uint64_t dropped_ = 0;
  uint64_t failures_ = 0;
  TaskScope tasks_;
};

}  // namespace henge
