// The hints of one shard, as the coordinators of this node and of others use them (P10, P12, P16, P17).
//
// Loop-affine, owned by the shard. A hint is a fallback's only copy of a write: it enters by Merge, is durable before
// it is acknowledged, and goes only by a removal that compares (hint_delivery.h). This node keeps hints for owners of a
// partition while it is no owner of it itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/local_hints.h"
#include "core/model/mint.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/repeat_guard.h"
#include "node/hints/hint_shelf.h"
#include "node/stamp_source.h"
#include "storage/hint_store.h"

namespace henge {

// Fits what `henge status` shows; sums over shards by AddTo (node_figures.h).
struct HintFigures {
  struct ForTarget {
    MemberId target;
    uint64_t hints = 0;
    uint64_t bytes = 0;
    int64_t oldest_ms = 0;  // wall time; none is older
  };
  std::vector<ForTarget> pending;  // ascending by target
  uint64_t stored = 0;             // merged into what was there, or new
  uint64_t unchanged = 0;          // what was there covered them
  uint64_t minted = 0;
  uint64_t refused_full = 0;    // P17
  uint64_t refused_member = 0;  // for who is no member: removed, or never one
  uint64_t fenced = 0;
  uint64_t undecodable = 0;
  uint64_t set_aside = 0;  // broken in the store
  uint64_t delivered = 0;
  uint64_t redirected = 0;         // of these, to the owners of today, as the target is none any more (P18)
  uint64_t dropped = 0;            // of dropped buckets (P34)
  uint64_t delivery_failures = 0;  // calls that were not acknowledged
  uint64_t bytes_max = 0;
  uint64_t marked = 0;         // hints that became dirty marks (P17)
  uint64_t marks_cleared = 0;  // segments
  uint64_t marks = 0;          // segments, now
  int64_t marks_since_ms = 0;  // wall time of the oldest
};

struct HintKeeperOptions {
  MemberId self;
  StoreId store;  // under whose name it mints
  int shard = 0;
  int shards = 1;
  uint64_t bytes_max = uint64_t{1} << 30;  // of this shard's hints
};

class HintKeeper : public LocalHints {
 public:
  // Everything outlives the keeper. Draws a lifetime from `environment.random`.
  HintKeeper(HintKeeperOptions options, ShardEnvironment environment, HintStore& store, StampSource& stamps,
             RingPtr ring);
  ~HintKeeper() override;

  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }
  // Called whenever a hint for this target has become durable.
  void OnKept(std::function<void(MemberId)> listener) { on_kept_ = std::move(listener); }
  // Called whenever a hint is refused because there is no room for it.
  void OnFull(std::function<void()> listener) { on_full_ = std::move(listener); }

  // LocalHints. Fenced: ABORTED, FAILED_PRECONDITION.
  void Store(HintRequest request, StoreFn done) override;
  void Read(RecordKey key, ReadFn done) override;
  void Mint(MintCommand command, MemberId target, uint32_t needed, LocalReplica::MintedFn minted,
            LocalReplica::DurableFn durable) override;

  // Serves a peer's HintRequest, or its ReadRequest with `from_hints`.
  void HandlePeer(MemberId from, PeerRequest request, MonotonicTime deadline, PeerHandler::ReplyFn reply);

  HintShelf& shelf() { return shelf_; }
  // Of the keeper; the delivery adds its own.
  HintFigures figures() const;

 private:
  void StoreFor(MemberId from, HintRequest request, StoreFn done);
  // P33, P34: whether this node is to keep a hint of `key` for `target`, as `from` asks.
  absl::Status Fence(MemberId from, const RecordKey& key, MemberId target);
  absl::Status RefuseStranger(MemberId from, MemberId target);
  absl::Status CheckRoom(int64_t growth);
  void MergeInto(const HintShelf::Targets& targets, MemberId from, HintRequest request, Object incoming, StoreFn done);
  void MintNow(MintCommand command, MemberId target, uint32_t needed, const HintShelf::Targets& targets,
               LocalReplica::MintedFn minted, LocalReplica::DurableFn durable);
  absl::Status CheckMint(const MintCommand& command, MemberId target, const Object& base,
                         const HintShelf::Targets& targets);
  bool AwaitStamp(MintCommand* command, MemberId target, uint32_t needed, const Object& base,
                  LocalReplica::MintedFn* minted, LocalReplica::DurableFn* durable);
  void Keep(const HintKey& key, Object object, std::string encoded, uint32_t needed, HintShelf::DurableFn durable);
  void CloseLifetime(Lifetime lifetime, const char* why);
  Object MergeOf(const RecordKey& key, const HintShelf::Targets& targets) const;
  int64_t WallMs() const { return env_.clock.WallNow().time_since_epoch().count(); }

  const HintKeeperOptions options_;
  ShardEnvironment env_;
  StampSource& stamps_;
  RingPtr ring_;
  Minter minter_;
  HintFigures figures_;
  std::function<void(MemberId)> on_kept_;
  std::function<void()> on_full_;
  RepeatGuard full_said_;
  RepeatGuard stranger_said_;
  HintShelf shelf_;
  std::shared_ptr<bool> alive_;
};

}  // namespace henge
