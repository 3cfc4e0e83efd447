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

struct CoordinatorCore {
  CoordinatorCore(CoordinatorOptions options, ShardEnvironment environment, LocalReplica& local, RingPtr ring);

  bool stopped() const { return scope == nullptr; }
  // "n2", for error texts; "member 7" if the ring doesn't know it.
  std::string NameOf(MemberId member) const;

  // The health of a replica that was asked at `sent_at`, with the events that this may cause.
  void OnFirstAnswer(MemberId member, MonotonicTime sent_at);
  void OnStrike(MemberId member, MonotonicTime sent_at);

  const CoordinatorOptions options;
  ShardEnvironment env;
  LocalReplica& local;
  RingPtr ring;  // read again after every wait
  LivenessPtr liveness = std::make_shared<const LivenessSnapshot>();
  Admission admission;
  Admission repairs;  // of replicas that were behind, in the background
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
