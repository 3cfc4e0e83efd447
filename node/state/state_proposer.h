// Proposes changes of the cluster state, one after the other, until each is decided or can't be (P31).
//
// Owned by the StateKeeper; control loop only. A proposal that another one overtook is made anew from the state that
// won, so that each change sees what it really changes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/paxos_proposer.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/random.h"
#include "core/runtime/task_scope.h"
#include "node/state/state_change.h"
#include "node/state/state_holder.h"
#include "node/state/state_peers.h"
#include "node/state/state_voter.h"

namespace henge {

class StateProposer {
 public:
  StateProposer(MemberId self, StateHolder& holder, StatePeers& peers, StateVoter& voter, Clock& clock, Executor& loop,
                Random& random);

  // `done` runs once, on the loop, with the version that `change` made, or: what `change` itself returned;
  // UNAVAILABLE: too few members took part in time, named in the message, which also says whether the change may yet
  // come through; FAILED_PRECONDITION: the members' states contradict; RESOURCE_EXHAUSTED: too many wait.
  using Done = absl::AnyInvocable<void(absl::StatusOr<StateVersion>)>;
  void Propose(StateChange change, Duration budget, Done done);
  // The same for the change that version 2 is, which alone may follow version 1. All members but those in `without`
  // decide it, who must be a majority: any two such groups share a member.
  void ProposeBinding(StateChange change, std::set<MemberId> without, Duration budget, Done done);

  // Takes no new proposal, and ends those under way at their next step; `idle` runs when none is left.
  void Drain(Closure idle) { draining_ = true, tasks_.Close(std::move(idle)); }

 private:
  struct Proposal;
  struct Round;

  void Start(Proposal proposal);
  Task<void> Run(Proposal proposal);
  // What this proposal has come to, if it has; else proposes once.
  Task<absl::StatusOr<StateVersion>> Decide(Proposal* proposal);
  // One ballot for `value`, the successor of `base`.
  Task<void> Attempt(Proposal* proposal, RingPtr base, ClusterState value);
  Task<void> AskAll(std::shared_ptr<Round> round, StateAsk ask, MonotonicTime deadline);
  void AskOne(const std::shared_ptr<Round>& round, MemberId voter, const StateCall& call, Duration patience,
              bool teach);
  void OnAnswer(Round& round, MemberId voter, StateAsk ask, const absl::StatusOr<StateAnswer>& answer);
  void Broadcast(const std::string& state);
  std::string Names(const std::vector<MemberId>& members) const;

  const MemberId self_;
  StateHolder& holder_;
  StatePeers& peers_;
  StateVoter& voter_;
  Clock& clock_;
  Executor& loop_;
  Random& random_;
  bool draining_ = false;
  bool busy_ = false;
  std::deque<Completion<bool>> turns_;  // who waits, in order
  uint64_t round_ = 0;                  // the highest that was seen
  TaskScope tasks_;
};

}  // namespace henge
