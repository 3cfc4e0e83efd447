// One write of one record: brings it to the owners, and ends when W distinct nodes hold it durably (P10).
//
// Loop-affine; kept alive by its callbacks. Two ways in: Mint makes a new version on this node first (P6), Replicate
// brings an existing record. Acks that come after the end still pass the belt of P7.
//
// In sloppy mode, on a node with hints, an owner that is held dead, avoided, refuses or does not answer by its recent
// p95 is joined by the next fallback, which keeps a durable hint for it. That goes on for a while after the end, so
// that a record which W nodes hold gets its other copies too. Each fallback stands in for one owner.
//
// When everybody was asked, those who are out of reach and have had their time are given up: if fewer than W are left,
// the round ends there, not at the deadline.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
#include "coordinator/fallbacks.h"
#include "core/model/tally.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

// How a round ended.
struct WriteEnd {
  Verdict verdict = Verdict::kPending;  // kPending: the deadline came first
  absl::Status not_minted;              // an error: nothing was minted, the mutation never takes effect
  bool amnesia = false;                 // P7: the version may be covered by history that was lost; mint it again
};

// What a write asks for, and by whom it is coordinated.
struct WritePlan {
  int needed = 1;  // W
  bool strict = false;
  bool as_fallback = false;  // this node is no owner: its copy is a hint (P12)
};

class WriteRound : public std::enable_shared_from_this<WriteRound> {
 public:
  // Mints on this node, and replicates the record to the other owners.
  static std::shared_ptr<WriteRound> Mint(CorePtr core, MintCommand command, WritePlan plan);
  // Brings `object` to the owners that are not among `holders`.
  static std::shared_ptr<WriteRound> Replicate(CorePtr core, RecordKey key, std::shared_ptr<const std::string> object,
                                               std::span<const MemberId> holders, WritePlan plan,
                                               MonotonicTime deadline);

  WriteRound(CorePtr core, RecordKey key, WritePlan plan, MonotonicTime deadline);

  const Completion<WriteEnd>& done() const { return done_; }

  // What was minted, without its `object`; after an end without `not_minted`.
  const MintResult& minted() const { return *minted_; }
  // After an end with `amnesia`: the command that mints the same mutation anew, under a new lifetime (P7).
  absl::StatusOr<MintCommand> CommandAgain() const { return CommandFrom(*object_); }

  const WriteTally& tally() const { return tally_; }
  // "1 of 2 needed copies are durable (n1: durable; n2: UNAVAILABLE: connection refused; n3: no answer)".
  std::string Describe() const;

 private:
  using Role = WriteTally::Role;
  enum class State : uint8_t { kWaiting, kDurable, kFailed };
  struct Node {
    MemberId member;
    MemberId target;  // whose copy it is: `member` itself for an owner
    State state = State::kWaiting;
    bool struck = false;
    bool joined = false;       // a further fallback was asked in its place, or nobody is left
    bool sent = true;          // false: held dead, and only its fallback was asked
    bool last_resort = false;  // sent to, dead or not: no fallback is left
    bool left = false;         // counts as failed, unless it answers yet
    MonotonicTime sent_at;
    MonotonicTime due;  // when to join it, at the earliest
    absl::Status error;

    Role role() const { return member == target ? Role::kOwner : Role::kFallback; }
  };

  void OnMinted(absl::StatusOr<MintResult> result);
  void AddNodes();
  void Send(size_t index);
  void SendLocally();
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void StrikeFor(Node& node, const absl::Status& error);
  void OnAck(size_t index, uint64_t minter_counter);
  void CheckBelt(size_t index, uint64_t counter);
  void OnAmnesia();
  void MintAgainLate();
  void ReadOwnRecord(LocalReplica::ReadFn done);
  // NOT_FOUND if the record in `bytes` doesn't hold the minted version any more.
  absl::StatusOr<MintCommand> CommandFrom(const std::string& bytes) const;
  void Settle(size_t index, absl::Status status);
  void MarkSecondCopy(const Node& settled) const;
  void Decide();
  void Finish(WriteEnd end);

  // The timer: at the deadline; before it, when an owner is late.
  void ArmTimer(MonotonicTime when);
  void OnTimer();
  void OnDue();

  // Fallbacks: write_stand_ins.cc.
  MonotonicTime FirstDue() const;
  bool LeavesOut(const Node& owner) const;
  bool StandIn(size_t index);
  void OnFailure(size_t index);
  void JoinAvoided();
  void JoinLate(MonotonicTime now);
  Duration Patience(MemberId member) const;
  bool AllAsked() const;
  MonotonicTime LeaveAt(const Node& node) const;
  void LeaveOutOfReach(MonotonicTime now);
  bool HasCopy(MemberId owner) const;
  // Whether there is work left after the end: an owner that has neither its copy nor a hint yet.
  bool Lingers() const;
  void Release();

  CorePtr core_;
  RecordKey key_;
  MonotonicTime deadline_;
  LayoutEpoch epoch_;
  WritePlan plan_;
  bool sloppy_;
  WriteTally tally_;
  // This node, the owners from the instant that there is something to send, then the fallbacks that were asked.
  absl::InlinedVector<Node, 4> nodes_;
  std::optional<FallbackList> fallbacks_;  // none before the first is needed
  size_t fallbacks_asked_ = 0;
  // Dropped at the end, or when it has ceased to linger: a silent peer must not keep it in memory.
  std::shared_ptr<const std::string> object_;
  std::optional<MintResult> minted_;
  std::optional<Actor> minter_;  // for the belt
  Context context_;              // the client's, for a mint
  bool sending_ = false;         // there is a record: from here on the outcome is unknown, not "not applied"
  bool finished_ = false;
  bool amnesia_ = false;
  std::optional<Admission::Ticket> lingering_;
  std::optional<TimerId> timer_;
  MonotonicTime timer_at_;
  Completion<WriteEnd> done_;
};

}  // namespace henge
