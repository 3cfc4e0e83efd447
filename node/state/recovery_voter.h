// This member's part in a recovery of a lost majority (P32, core/model/survivors.h): its word, its vote on the new
// cluster's state, and taking it over.
//
// Owned by the StateKeeper; control loop only. Nothing is told before it is durable.
//
// Once a recovery is accepted, this member votes on no state that follows the one that it had then, or the one that the
// recovery goes on from: with its help nothing is decided in the old cluster which the new one lacks, after a restart
// neither. If the others decide something further without it, the majority was not lost: the recovery has come to
// nothing, this member votes again, and its word leaves it out. It still takes it over if it meets one that has: that
// is a survivor, who had heard that all have accepted.
//
// What is taken over replaces the stored state in one write; the process goes by it after it has started again, which
// the hook sees to: no part of a running node ever sees its cluster change.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/paxos_acceptor.h"
#include "core/model/survivor_message.h"
#include "core/runtime/environment.h"
#include "node/state/state_holder.h"
#include "node/state/state_voter.h"
#include "storage/store_engine.h"

namespace henge {

struct RecoveryHooks {
  // The new state makes this member an owner of `gained`, which it did not hold. It is written only after `ready` has
  // run, so that who must know that the node is recovering there (P15) can make that durable first. Absent = at once.
  std::function<void(std::vector<PartitionId> gained, Closure ready)> on_gained;
  // The new state is in the store: the process has to start again. A moment later, so that who asked hears of it.
  std::function<void()> on_recovered;
};

class RecoveryVoter {
 public:
  // `start` is the durable vote on a recovery of the holder's cluster.
  RecoveryVoter(MemberId self, StateHolder& holder, StateVoter& states, StoreEngine& engine,
                const ShardEnvironment& home, PaxosAcceptor::Stored start, RecoveryHooks hooks);

  SurvivorAnswer Word() const;

  // Answers a question, a prepare, an accept or a learn of `from`, a member. `reply` runs once, now or later.
  // INVALID_ARGUMENT for a value that is no recovery of this cluster with this member and store. A learn is refused
  // unless it is of what was accepted last, that stands, and nothing was promised since: another attempt counts on it
  // that who has promised goes by no earlier one.
  using Reply = absl::AnyInvocable<void(absl::StatusOr<SurvivorAnswer>)>;
  void Vote(MemberId from, StateCall call, Reply reply);

  // The holder goes by a later state. To be called before this member is asked for its vote on the next one.
  void OnAdopted();

  // A node of `cluster` was met. If that is the one whose state this member has accepted, all have: it is taken over.
  // So who missed the last message of a recovery needs no operator.
  void OnForeignCluster(ClusterId cluster);

 private:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // Goes by what was accepted last, from the next start on. One that could not be written is written when it is asked
  // for again; in between this member votes on nothing, as it may be in the store.
  void TakeOver(Done done);
  void Write(std::string value, StateVersion version);
  absl::StatusOr<RingPtr> CheckValue(const std::string& value);
  void Commit(SurvivorVerdict verdict, Reply reply);
  // Whether the old cluster has decided nothing that what was accepted lacks.
  bool Stands() const;

  const MemberId self_;
  StateHolder& holder_;
  StateVoter& states_;
  StoreEngine& engine_;
  const ShardEnvironment home_;
  RecoveryHooks hooks_;
  PaxosAcceptor acceptor_;
  StateVersion accepted_at_;  // of the state that it had then
  bool stands_ = false;       // as Stands() was when the state changed last
  // The ballot that was promised last in this process's life, and what of the old cluster the proposer was told then.
  Ballot prepared_;
  Ballot told_vote_;
  ClusterId accepted_cluster_;
  ClusterId taking_over_;  // none = it goes by the old state
  bool writing_ = false;   // that one, or what has to be durable before
  bool taken_over_ = false;
  std::vector<Done> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace henge
