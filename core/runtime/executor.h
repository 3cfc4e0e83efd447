// The seam to scheduling: one single-threaded loop, the home of all state of one shard (or of the node's control loop).
//
// A loop works in turns. A turn runs everything that was posted or is due, then the turn-end phases in their order.
// What the turn asked of the store goes down as one batch in kRead and kCommit; what it sends to one peer or client
// goes out as one frame in kSend. A closure that a phase runs may defer again: the phases repeat, reads first, until
// nothing is deferred, so that a turn that starts with a read can still commit and send.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge {

using Closure = absl::AnyInvocable<void()>;
using TimerId = StrongId<struct TimerIdTag, uint64_t>;

enum class TurnPhase : uint8_t { kRead = 0, kCommit = 1, kSend = 2 };
inline constexpr int kTurnPhases = 3;

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `closure` on the loop, in a later turn or later in this one; in order of posting for one poster. Any thread.
  // After the loop has stopped the closure is destroyed unrun.
  virtual void Post(Closure closure) = 0;

  // As Post; but a loop that sleeps may run a few turns on the caller's thread, before this returns, rather than wake
  // its own. For a thread that holds no lock and has nothing more urgent to do. Any thread.
  virtual void PostAndHelp(Closure closure) { Post(std::move(closure)); }

  // Runs `closure` at `when` or soon after. Loop only.
  virtual TimerId RunAt(MonotonicTime when, Closure closure) = 0;
  // Drops a timer that has not run; no-op for one that has. Loop only.
  virtual void Cancel(TimerId timer) = 0;

  // Runs `closure` once at this turn's end, in `phase`. Loop only.
  virtual void AtTurnEnd(TurnPhase phase, Closure closure) = 0;
};

}  // namespace henge
