// How the operating system shares the cores among a node's threads.
#pragma once

#include "absl/status/status.h"

namespace henge {

// For the calling thread and those that it creates from now on: whoever wakes doesn't interrupt who runs (SCHED_BATCH,
// sched(7)). A thread that hands work to another goes on handing it more until it has to wait, so that loops, the
// commit worker and the network find larger batches and switch less often. On idle cores nothing changes. Needs no
// privilege.
absl::Status LetRunningThreadsFinish();

}  // namespace henge
