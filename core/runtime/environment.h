// The world as one shard sees it. The same node code gets a real one from main() and a simulated one from the
// simulator.
#pragma once

#include "core/runtime/batch_worker.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/random.h"
#include "core/runtime/tracer.h"
#include "core/runtime/transport.h"

namespace henge {

// Non-owning; everything outlives the shard. `executor`, `random` and `transport` belong to this shard's loop.
struct ShardEnvironment {
  Clock& clock;
  Executor& executor;
  Random& random;
  Transport& transport;
  Tracer& tracer;
};

}  // namespace henge
