// What the operations of one coordinator share. Internal to coordinator/.
//
// Held by shared_ptr: a peer may answer after the request has been answered, or after the coordinator has gone; its
// callback then finds `scope` null, and touches nothing beyond this struct.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coordinator/admission.h"
#include "coordinator/coordinator.h"
#include "coordinator/local_replica.h"
#include "coordinator/replica_health.h"
#include "coordinator/share_budget.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"

namespace henge {

class ReadRound;

// How long at least a request waits for a replica that is held dead, silent or given up, once everybody else was asked.
inline constexpr Duration kPatienceMin = std::chrono::milliseconds(100);

struct CoordinatorCore {
  CoordinatorCore(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring,
                  LocalHints* hints);

  bool stopped() const { return scope == nullptr; }
  // "n2", for error texts; "member 7" if the ring doesn't know it.
  std::string NameOf(MemberId member) const;

  // Whether gossip holds `member` dead.
  bool Dead(MemberId member) const { return any_dead && liveness->Of(member) == Liveness::kDead; }
  // Whether not to wait for `member`: held dead, or late the last time.
  bool Avoided(MemberId member) const { return health.Avoided(member) || Dead(member); }
  // Whether going around `member` costs no budget.
  bool GivenUp(MemberId member) const { return health.Disqualified(member) || Dead(member); }
  // Whether `member` isn't there for this node, as gossip or as its own requests of just now have it: to be asked, but
  // waited for by nobody who has a choice.
  bool OutOfReach(MemberId member) const { return Dead(member) || Silent(member); }
  bool Silent(MemberId member) const { return health.AnyAvoided() && health.Silent(member, env.clock.Now()); }
  // Whether every member has been in time and is held alive: the way things are.
  bool AllWell() const { return !any_dead && !health.AnyAvoided(); }

  // The health of a replica that was asked at `sent_at`, with the events that this may cause.
  using Attempt = ReplicaHealth::Attempt;
  void OnFirstAnswer(MemberId member, MonotonicTime sent_at, Attempt kind = Attempt::kRead);
  void OnStrike(MemberId member, MonotonicTime sent_at, Attempt kind = Attempt::kRead);
  // What came back of any call to `member`.
  void OnReply(MemberId member, const absl::Status& status);

  const CoordinatorOptions options;
  ShardEnvironment env;
  LocalReplica& local;
  LocalHints* const hints;  // null: this node uses no fallbacks
  RingPtr ring;             // read again after every wait
  LivenessPtr liveness = std::make_shared<const LivenessSnapshot>();
  bool any_dead = false;  // in `liveness`
  Coordinator::VerdictFn tell_verdict;
  Admission admission;
  Admission repairs;    // of replicas that were behind, in the background
  Admission lingering;  // records of writes that were acked, kept until each owner has its copy or a hint
  ReplicaHealth health;
  ShareBudget hedge_budget;
  ShareBudget retry_budget;
  CoordinatorFigures figures;
  TaskScope* scope = nullptr;  // null before the coordinator's start and after its end

  // Reads that started in this turn and may find their local record only on the disk (ReadRound).
  std::vector<std::shared_ptr<ReadRound>> reads_of_turn;
};

using CorePtr = std::shared_ptr<CoordinatorCore>;

}  // namespace henge
