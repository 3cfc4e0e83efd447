// What the rounds of one shard's anti-entropy share. Internal to node/antientropy/.
//
// Loop-affine, owned by AntiEntropy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/model/difference_watch.h"
#include "core/model/liveness.h"
#include "core/model/recovery.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"
#include "node/antientropy/anti_entropy_options.h"
#include "node/antientropy/byte_budget.h"
#include "node/antientropy/repair_pace.h"
#include "node/antientropy/shared_partitions.h"
#include "node/antientropy/taken_leaves.h"
#include "node/replica.h"
#include "storage/store_engine.h"

namespace henge {

struct EntropyCore {
  EntropyCore(AntiEntropyOptions wanted, AntiEntropyPlace where, ShardEnvironment environment, StoreEngine& store,
              Replica& local, Recovery& lost, RingPtr first_ring)
      : options(wanted),
        place(where),
        env(environment),
        engine(store),
        replica(local),
        recovery(lost),
        ring(std::move(first_ring)),
        watch(wanted.confirm, wanted.leaves_watched_max),
        taken(wanted.call_time_max, wanted.leaves_watched_max),
        budget(wanted.bytes_per_second, wanted.budget_ahead),
        shared(where.self) {}

  const AntiEntropyOptions options;
  const AntiEntropyPlace place;
  ShardEnvironment env;
  StoreEngine& engine;
  Replica& replica;
  Recovery& recovery;
  RingPtr ring;  // read again after every wait
  LivenessPtr liveness = std::make_shared<const LivenessSnapshot>();
  DifferenceWatch watch;
  TakenLeaves taken;
  RepairPace pace;
  ByteBudget budget;
  SharedCache shared;
  AntiEntropyFigures figures;
  TaskScope scope;
};

}  // namespace henge
