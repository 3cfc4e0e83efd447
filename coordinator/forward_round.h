// A request that reached a node which is no owner: handed to an owner, the healthiest first.
//
// Loop-affine; kept alive by its callbacks. One that fails or is late is joined by the next owner, within the retry
// budget; the first final reply wins. A mutation that may have run is sent on as a retry of its op_id (P8). When no
// owner is left, or all are held dead, the first live fallback coordinates a sloppy request; that may be this node. If
// nobody is left and those asked are out of reach, the round ends there, not at the deadline.
#pragma once

#include <memory>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

struct ForwardEnd {
  ClientReply reply;
  bool here = false;  // no reply: this node is the fallback that coordinates, then calls Resume or Complete
};

class ForwardRound : public std::enable_shared_from_this<ForwardRound> {
 public:
  static std::shared_ptr<ForwardRound> Start(CorePtr core, ClientRequest request, RecordKey key, bool strict,
                                             MonotonicTime deadline);

  ForwardRound(CorePtr core, ClientRequest request, RecordKey key, bool strict, MonotonicTime deadline);

  Completion<ForwardEnd> done() const { return done_; }

  // After an end `here`: the request as it is to be coordinated on this node.
  ClientRequest RequestHere() const;
  // What came of it: the reply to give, or, if this node could keep no hint, the next end to wait for.
  std::optional<ClientReply> EndHere(ClientReply reply);

 private:
  struct Attempt {
    MemberId member;
    MonotonicTime sent_at;
    bool as_fallback = false;
    bool struck = false;
    bool ended = false;  // it failed or was answered
  };

  void ListOwners();
  // Whom to ask next: an owner, then a fallback. None if nobody is left.
  std::optional<MemberId> Next();
  bool CanAskNext(bool free);
  void AskNext();
  bool Undone(const Attempt& attempt, const ClientReply& reply) const;
  ClientReply Judged(ClientReply reply) const;
  Duration Patience(MemberId member, MonotonicTime now) const;
  // Whether all that it still waits for are out of reach, and had their time.
  bool NobodyInReach() const;
  // For when the one that was asked last is late, or as late once more; at last for the deadline.
  void ArmTimer();
  void OnTimer();
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void OnFailure(size_t index, const absl::Status& status);
  void OnReply(size_t index, ClientReply reply);
  // Goes on with the next one if there is one and the budget allows; fails if nobody is left to answer.
  void TryNext(bool free);
  void Finish(ClientReply reply);

  CorePtr core_;
  ClientRequest request_;
  RecordKey key_;
  MonotonicTime deadline_;
  bool sloppy_;
  absl::InlinedVector<MemberId, 4> owners_;  // to ask, in this order
  absl::InlinedVector<Attempt, 4> attempts_;
  std::optional<MemberId> next_;  // decided, not asked yet
  absl::InlinedVector<MemberId, 4> fallbacks_tried_;
  int open_ = 0;
  bool may_have_run_ = false;
  ClientReply last_error_;
  bool here_ = false;  // this node coordinates right now
  bool finished_ = false;
  std::optional<TimerId> timer_;
  Completion<ForwardEnd> done_;
};

}  // namespace henge
