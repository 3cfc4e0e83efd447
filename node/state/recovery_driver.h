// Carries out `cluster recover`: asks all members, judges their words (core/model/survivors.h), and with `force` has
// the survivors accept a new cluster's state and take it over (P32).
//
// Owned by the StateKeeper; control loop only. One at a time. It is one ballot of Paxos whose quorum is *all*
// survivors: nobody takes over what another one may yet refuse, and what one has accepted is what the next attempt goes
// on with. Crash points: before all have accepted, everybody goes by the old state, and a repeated command finishes.
// Afterwards those that were not told still go by the old state, and take over when they meet one that goes by the new
// one, or when the command is repeated among them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/survivors.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"
#include "node/state/recovery_voter.h"
#include "node/state/state_holder.h"

namespace henge {

struct RecoverOrder {
  std::vector<std::string> survivors;  // by name; none = all that answer
  bool force = false;                  // else it is only told what would happen
};

struct RecoverResult {
  RecoveryPlan plan;
  bool done = false;
  std::vector<std::string> unconfirmed;  // survivors that have accepted, and not confirmed that they took over
};

class RecoveryDriver {
 public:
  RecoveryDriver(MemberId self, StateHolder& holder, RecoveryVoter& voter, const ShardEnvironment& home);

  // `done` runs once. Errors: those of ChooseSurvivors and BegunRecovery; UNAVAILABLE: a survivor did not take part in
  // time; the message says whether something was begun, which a repetition goes on with.
  using Done = absl::AnyInvocable<void(absl::StatusOr<RecoverResult>)>;
  void Recover(RecoverOrder order, Duration budget, Done done);

  // Ends what is under way at its next step; `idle` runs when nothing is left.
  void Drain(Closure idle) { draining_ = true, tasks_.Close(std::move(idle)); }

 private:
  struct Gathering;
  struct Agreed {
    std::string value;                  // the state that all have accepted
    std::vector<MemberId> unconfirmed;  // who did not answer when it was told so
  };

  Task<void> Run(RecoverOrder order, MonotonicTime deadline, Done done);
  Task<absl::StatusOr<RecoverResult>> Decide(RecoverOrder order, MonotonicTime deadline);
  // Has all `survivors` accept one state, and tells the others of them, until none refuses: one that has promised
  // another attempt since does, and would be left behind. FAILED_PRECONDITION once the old cluster decides something:
  // its majority may be there after all.
  Task<absl::StatusOr<Agreed>> Agree(std::vector<MemberId> survivors, bool named, uint64_t round_seen,
                                     MonotonicTime deadline);
  // Has this node take it over, after all others.
  Task<absl::StatusOr<RecoverResult>> Finish(Agreed agreed, RecoverResult result);
  // Sends `call` to each of `to`, this node among them; ends when all have answered, or at `deadline`.
  Task<std::shared_ptr<Gathering>> Ask(std::vector<MemberId> to, StateCall call, MonotonicTime deadline);
  void AskOne(const std::shared_ptr<Gathering>& gathering, MemberId to, const StateCall& call, MonotonicTime deadline);
  static void Note(Gathering& gathering, MemberId from, absl::StatusOr<SurvivorAnswer> answer);
  std::string NameOf(MemberId id) const;
  std::string Names(const std::vector<MemberId>& members) const;
  // "n2 (no answer), n3 (it has promised another one)": those of `members` that have not granted.
  std::string Ungranted(const Gathering& gathering, const std::vector<MemberId>& members) const;

  const MemberId self_;
  StateHolder& holder_;
  RecoveryVoter& voter_;
  const ShardEnvironment home_;
  bool busy_ = false;
  bool draining_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  TaskScope tasks_;
};

}  // namespace henge
