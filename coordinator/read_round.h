// One read of one record: asks owners until R have answered, hedges, merges, and repairs who was behind.
//
// Loop-affine; kept alive by its callbacks. The local durable record is read first; the peers are told its digest, so
// that an equal record comes back as "same". If the local record is only on the disk, the peers are asked without it.
//
// In sloppy mode, on a node with hints, fallbacks are asked for what they keep for the owners when too few owners are
// left to ask. What they keep counts; that they keep nothing doesn't, and without any owner there is no answer (P14).
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

// What a read asks for, and by whom it is coordinated.
struct ReadPlan {
  int needed = 1;  // R
  bool strict = false;
  bool as_fallback = false;         // this node is no owner: it reads its hints (P12)
  bool absent_hint_counts = false;  // for the question whether an op_id is known anywhere in reach
};

class ReadRound : public std::enable_shared_from_this<ReadRound> {
 public:
  static std::shared_ptr<ReadRound> Start(CorePtr core, RecordKey key, ReadPlan plan, MonotonicTime deadline);

  ReadRound(CorePtr core, RecordKey key, ReadPlan plan, MonotonicTime deadline);

  // kMet; kImpossible: too many failed; kPending: the deadline came first.
  const Completion<Verdict>& done() const { return done_; }

  // After kMet: the merge of all answers, and its canonical bytes (empty if no replica has a record).
  const Object& merged() const { return versions_[merged_].object; }
  const std::string& merged_bytes() const { return versions_[merged_].bytes; }
  // The owners that answered with the merged record: they hold it durably.
  absl::InlinedVector<MemberId, 4> Holders() const;

  int answered() const { return tally_.answers(); }
  // Of those, fallbacks.
  int answered_by_hints() const { return tally_.answers() - tally_.owner_answers(); }
  // Owners that answered and were behind.
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
    bool owner = true;    // else a fallback, asked for its hints
    bool aside = false;   // asked, but not waited for: held dead, or late before
    bool left = false;    // counts as failed, unless it answers yet
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
  void ReadLocally();
  void AskPeers();
  bool LoadFallbacks();
  bool NotToWaitFor(const Attempt& attempt) const;
  Duration PatienceWith(const Attempt& attempt) const;
  void LeaveGivenUp(MonotonicTime now);
  void Ask(size_t index, bool first);
  void ArmTimer();
  void OnTimer();
  void OnDue();
  void Hedge(MonotonicTime now);
  void OnLocal(absl::StatusOr<ReadReply> reply);
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void OnLateAnswer(Attempt& attempt, absl::StatusOr<ReadReply> reply);
  void Record(Attempt& attempt, absl::StatusOr<ReadReply> reply);
  void Fail(Attempt& attempt, absl::Status error);
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
  ReadPlan plan_;
  bool sloppy_;
  int wanted_;  // answers or open attempts to have at once: R, and one more for each hedge
  ReadTally tally_;
  // This node first, then the other owners in order of preference, then the fallbacks once they are needed.
  absl::InlinedVector<Attempt, 4> attempts_;
  absl::InlinedVector<Version, 1> versions_;  // the distinct records answered
  int merged_ = 0;                            // which of them is the merge of all
  bool peers_asked_ = false;
  bool fallbacks_loaded_ = false;
  bool finished_ = false;
  bool repairing_ = false;
  std::optional<TimerId> timer_;
  MonotonicTime timer_at_;
  Completion<Verdict> done_;
};

}  // namespace henge
