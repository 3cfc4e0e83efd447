#include "node/real/scheduling.h"

#include <sched.h>

#include <cerrno>

namespace henge {

absl::Status LetRunningThreadsFinish() {
  const sched_param priority{};
  if (sched_setscheduler(0, SCHED_BATCH, &priority) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "can't schedule the threads of this process as SCHED_BATCH");
}

}  // namespace henge
