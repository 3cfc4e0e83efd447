// A request that reached a node which is no owner: handed to an owner, the healthiest first.
//
// Loop-affine; kept alive by its callbacks. One that fails or is late is joined by the next owner, within the retry
// budget; the first final reply wins. A mutation that may have run is sent on as a retry of its op_id (P8).
#pragma once

#include <memory>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "coordinator/coordinator_core.h"
#include "core/runtime/messages.h"
#include "core/runtime/task.h"

namespace henge {

class ForwardRound : public std::enable_shared_from_this<ForwardRound> {
 public:
  static std::shared_ptr<ForwardRound> Start(CorePtr core, ClientRequest request, RecordKey key,
                                             MonotonicTime deadline);

  ForwardRound(CorePtr core, ClientRequest request, RecordKey key, MonotonicTime deadline);

  const Completion<ClientReply>& done() const { return done_; }

 private:
  struct Attempt {
    MemberId member;
    MonotonicTime sent_at;
    bool struck = false;
  };

  void AskNext();
  Duration Patience(MemberId member, MonotonicTime now) const;
  void OnTimer();
  void OnPeer(size_t index, absl::StatusOr<PeerReply> reply);
  void OnFailure(size_t index, const absl::Status& status);
  void OnReply(ClientReply reply);
  // Goes on with the next owner if there is one and the budget allows; fails if nobody is left to answer.
  void TryNext(bool free);
  void Finish(ClientReply reply);

  CorePtr core_;
  ClientRequest request_;
  RecordKey key_;
  MonotonicTime deadline_;
  absl::InlinedVector<MemberId, 4> owners_;
  absl::InlinedVector<Attempt, 4> attempts_;  // in the order of owners_
  int open_ = 0;
  bool may_have_run_ = false;
  ClientReply last_error_;
  bool finished_ = false;
  std::optional<TimerId> timer_;
  Completion<ClientReply> done_;
};

}  // namespace henge
