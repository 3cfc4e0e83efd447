// One read of one record: asks owners until R have answered, hedges, merges, and repairs who was behind.
//
// Loop-affine; kept alive by its callbacks. The local durable record is read first; the peers are told its digest, so
// that an equal record comes back as "same". If the local record is only on the disk, the peers are asked without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
#include "core/model/object.h"
#include "core/model/tally.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

class ReadRound : public std::enable_shared_from_this<ReadRound> {
 public:
  // Starts reading `key`, of which this node is an owner, at `needed` owners.
  static std::shared_ptr<ReadRound> Start(CorePtr core, RecordKey key, int needed, MonotonicTime deadline);

  ReadRound(CorePtr core, RecordKey key, int needed, MonotonicTime deadline);

  // kMet; kImpossible: too many failed; kPending: the deadline came first.
  const Completion<Verdict>& done() const { return done_; }

  // After kMet: the merge of all answers, and its canonical bytes (empty if no replica has a record).
  const Object& merged() const { return versions_[merged_].object; }
  const std::string& merged_bytes() const { return versions_[merged_].bytes; }
  // The owners that answered with the merged record: they hold it durably.
  absl::InlinedVector<MemberId, 4> Holders() const;

  int answered() const { return tally_.answers(); }
  int stale() const;
  // Why it was not met: "1 of 2 needed owners answered (n1: answered; n2: UNAVAILABLE: connection refused)".
  std::string Describe() const;

  // In the background: merges into exactly the replicas that were behind, those that answer late included (H25).
  void Repair();

  // The turn's end: a read whose local record needs the disk goes on with its peers.
  void OnTurnEnd();

 private:
  enum class State : uint8_t { kIdle, kAsked, kAnswered, kFailed };
  struct Attempt {
    MemberId member;
    State state = State::kIdle;
    bool struck = false;
    bool hedged = false;  // joined by another attempt, or nobody is left to join it
    bool first = false;   // not a hedge: its latency is the replica's own
    int version = -1;     // kAnswered: of versions_
    MonotonicTime sent_at;
    MonotonicTime hedge_at;
    absl::Status error;
  };
  struct Version {
    std::string bytes;
    Object object;
  };

  void Begin();
  void AskPeers();
  void Ask(size_t index, bool first);
  void ArmTimer();
  void OnTimer();
  void OnDue();
  void Hedge(MonotonicTime now);
  void OnLocal(absl::StatusOr<ReadReply> reply);
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void OnLateAnswer(Attempt& attempt, absl::StatusOr<ReadReply> reply);
  void Record(Attempt& attempt, absl::StatusOr<ReadReply> reply);
  // The index in versions_ of what was answered.
  absl::StatusOr<int> VersionOf(ReadReply& reply);
  bool CountsAsDisqualified(MemberId member) const;
  int CountIdle() const;
  void Decide();
  void Finish(Verdict verdict);
  void MergeVersions();
  void SendRepair(MemberId member);

  CorePtr core_;
  RecordKey key_;
  LayoutEpoch epoch_;
  ConflictPolicy conflict_;
  MonotonicTime deadline_;
  int wanted_;  // answers or open attempts to have at once: R, and one more for each hedge
  ReadTally tally_;
  absl::InlinedVector<Attempt, 4> attempts_;  // this node first, then the other owners in order of preference
  absl::InlinedVector<Version, 1> versions_;  // the distinct records answered
  int merged_ = 0;                            // which of them is the merge of all
  bool peers_asked_ = false;
  bool finished_ = false;
  bool repairing_ = false;
  std::optional<TimerId> timer_;
  MonotonicTime timer_at_;
  Completion<Verdict> done_;
};

}  // namespace henge
