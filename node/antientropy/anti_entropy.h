// Anti-entropy of one shard: compares its partitions with each peer that owns them too, for ever, and repairs.
//
// Loop-affine, owned by the shard. Always on: a round every few seconds, with the next peer that is not dead; two that
// are equal exchange one hash. Between rounds nothing runs. Also ends a recovery (P15): a partition is whole when a
// round with every other live owner, begun since, was carried through.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/runtime/transport.h"
#include "node/antientropy/anti_entropy_options.h"
#include "node/antientropy/entropy_core.h"
#include "node/antientropy/round.h"
#include "node/antientropy/tree_server.h"

namespace henge {

class AntiEntropy {
 public:
  // `whole` learns which partitions have recovered, in order that it is written down.
  using WholeFn = std::function<void(std::vector<PartitionId>)>;
  AntiEntropy(AntiEntropyOptions options, AntiEntropyPlace place, ShardEnvironment environment, StoreEngine& engine,
              Replica& replica, Recovery& recovery, RingPtr ring, WholeFn whole);
  AntiEntropy(const AntiEntropy&) = delete;
  AntiEntropy& operator=(const AntiEntropy&) = delete;

  void Start();
  // Begins no further round.
  void Stop();
  void UpdateRing(RingPtr ring);
  // A peer that has come back is compared next.
  void UpdateLiveness(LivenessPtr liveness);
  // There is something to do: the next round begins soon.
  void Wake();

  void Serve(MemberId from, TreeRequest request, PeerHandler::ReplyFn reply);

  // `leaf` can't be scanned here: has each of its records that another owner lists merged here, so that those which
  // can't be read are mended (P35). `done` runs once, with whether all owners were asked and no record is left broken.
  void Mend(LeafId leaf, absl::AnyInvocable<void(bool)> done);

  AntiEntropyFigures figures() const;
  // Of the peers that share partitions with this shard, by member.
  std::vector<PeerEntropy> PeerFigures();

 private:
  Task<void> Run();
  Task<void> Sleep(Duration duration);
  Task<RoundEnd> RunRound(MemberId peer);
  Task<void> RunMend(LeafId leaf, absl::AnyInvocable<void(bool)> done);
  void Note(MemberId peer, const RoundEnd& end, MonotonicTime began, LayoutEpoch layout);
  Duration PauseAfter(const std::optional<RoundEnd>& end, bool look_again);
  std::optional<Duration> TimeToConverge(MemberId peer, uint64_t leaves);
  std::optional<MemberId> NextPeer();
  bool IsPeer(MemberId member);
  // Half of `duration` more or less, by chance.
  Duration Jittered(Duration duration);
  void SettleRecovery();

  struct PeerRounds {
    std::optional<MonotonicTime> finished;  // the last one that was carried through
    // The begin of the last one that saw all leaves and noted each difference, and the layout that it saw.
    std::optional<MonotonicTime> compared;
    LayoutEpoch layout;
    bool failed = false;                            // the last one
    absl::StatusCode told = absl::StatusCode::kOk;  // what the peer did wrong, as far as that was said
  };

  EntropyCore core_;
  TreeServer server_;
  WholeFn whole_;
  std::map<MemberId, PeerRounds> peers_;
  std::optional<MemberId> under_way_;  // a round with it
  int hasty_rounds_ = 0;               // without a pause, as a partition is recovering
  MemberId last_;
  std::optional<MemberId> next_;  // out of turn
  std::optional<Completion<bool>> wake_;
  bool stopped_ = false;
};

}  // namespace henge
