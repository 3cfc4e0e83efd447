// This member's votes on the next version of the cluster state (P31).
//
// Owned by the StateKeeper; control loop only. A vote is told only once it is durable.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/paxos_acceptor.h"
#include "core/model/state_message.h"
#include "core/runtime/executor.h"
#include "node/state/state_holder.h"
#include "storage/store_engine.h"

namespace henge {

class StateVoter {
 public:
  // `start` is the durable vote on the version after the holder's.
  StateVoter(StateHolder& holder, StoreEngine& engine, Executor& loop, PaxosAcceptor start);

  // Answers a prepare or an accept of `from`: a member, or this node itself. `reply` runs once, now or later.
  // INVALID_ARGUMENT for a value that can't be the next version; FAILED_PRECONDITION if the states contradict.
  using Reply = absl::AnyInvocable<void(absl::StatusOr<StateAnswer>)>;
  void Vote(MemberId from, StateCall call, Reply reply);

  // Votes no more on the version after the present one: this member has accepted a recovery of the cluster (P32). Once
  // that version is decided by the others it votes again, unless it is retired again: a majority was not lost.
  void Retire() { retired_at_ = holder_.ring()->version(); }

  // What it has accepted as the next version; none if nothing.
  PaxosVote accepted() const;
  // Whether it has accepted a value of which nobody has said yet that it was decided.
  bool undecided() const;
  // The highest round that it has promised for the next version.
  uint64_t round() const;

 private:
  absl::Status CheckValue(const std::string& value);

  StateHolder& holder_;
  StateVersion retired_at_;  // none = it votes
  StoreEngine& engine_;
  Executor& loop_;
  StateVersion version_;  // that acceptor_ votes on
  PaxosAcceptor acceptor_;
};

}  // namespace henge
