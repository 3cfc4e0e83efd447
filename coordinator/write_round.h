// One write of one record: brings it to the owners, and ends when W distinct ones hold it durably (P10).
//
// Loop-affine; kept alive by its callbacks. Two ways in: Mint makes a new version on this node first (P6), Replicate
// brings an existing record. Acks that come after the end still pass the belt of P7.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
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

class WriteRound : public std::enable_shared_from_this<WriteRound> {
 public:
  // Mints on this node, which is an owner, and replicates the record to the other owners.
  static std::shared_ptr<WriteRound> Mint(CorePtr core, MintCommand command, int needed);
  // Brings `object` to the owners that are not among `holders`.
  static std::shared_ptr<WriteRound> Replicate(CorePtr core, RecordKey key, std::shared_ptr<const std::string> object,
                                               std::span<const MemberId> holders, int needed, MonotonicTime deadline);

  WriteRound(CorePtr core, RecordKey key, int needed, MonotonicTime deadline);

  const Completion<WriteEnd>& done() const { return done_; }

  // What was minted, without its `object`; after an end without `not_minted`.
  const MintResult& minted() const { return *minted_; }
  // After an end with `amnesia`: the command that mints the same mutation anew, under a new lifetime (P7).
  absl::StatusOr<MintCommand> CommandAgain() const { return CommandFrom(*object_); }

  const WriteTally& tally() const { return tally_; }
  // "1 of 2 needed copies are durable (n1: durable; n2: UNAVAILABLE: connection refused; n3: no answer)".
  std::string Describe() const;

 private:
  enum class State : uint8_t { kWaiting, kDurable, kFailed };
  struct Node {
    MemberId member;
    State state = State::kWaiting;
    absl::Status error;
  };

  void ArmTimer();
  void OnTimer();
  void OnMinted(absl::StatusOr<MintResult> result);
  void AddOwners();
  void Send(size_t index, const std::string& object, const std::optional<Actor>& minter);
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void CheckBelt(size_t index, uint64_t counter);
  void OnAmnesia();
  void MintAgainLate();
  // NOT_FOUND if the record in `bytes` doesn't hold the minted version any more.
  absl::StatusOr<MintCommand> CommandFrom(const std::string& bytes) const;
  void Settle(size_t index, absl::Status status);
  void Decide();
  void Finish(WriteEnd end);

  CorePtr core_;
  RecordKey key_;
  MonotonicTime deadline_;
  MonotonicTime sent_at_;
  LayoutEpoch epoch_;
  WriteTally tally_;
  absl::InlinedVector<Node, 4> nodes_;         // the owners, from the instant that there is something to send
  std::shared_ptr<const std::string> object_;  // minted; dropped at the end: a silent peer must not keep it in memory
  std::optional<MintResult> minted_;
  Context context_;       // the client's, for a mint
  bool sending_ = false;  // there is a record: from here on the outcome is unknown, not "not applied"
  bool finished_ = false;
  bool amnesia_ = false;
  std::optional<TimerId> timer_;
  Completion<WriteEnd> done_;
};

}  // namespace henge
