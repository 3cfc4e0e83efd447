// The seam to blocking work: one worker (a thread, or a simulated one) that takes whatever has gathered as one batch.
//
// This is where group commit comes from: while the worker syncs one batch, the next one gathers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace henge {

// What is handed to a worker. Subclassed by the one who owns the worker's handler.
class WorkItem {
 public:
  virtual ~WorkItem() = default;

  // How many requests wait for it. A worker may let a batch grow for a moment after one that many waited for; 0 in all
  // items: never.
  uint32_t waiting = 0;
};

class BatchWorker {
 public:
  using Handler = absl::AnyInvocable<void(std::vector<std::unique_ptr<WorkItem>>)>;

  virtual ~BatchWorker() = default;

  // Hands `item` over; the handler gets all items submitted since its last call, in order of submission. Any thread.
  virtual void Submit(std::unique_ptr<WorkItem> item) = 0;
  // Waits until every item submitted so far has been handled, then stops; later items are destroyed unhandled.
  // Not from the handler itself.
  virtual void Stop() = 0;
};

// Makes workers; part of the environment. `handler` runs on the worker, one call at a time.
class WorkerFactory {
 public:
  virtual ~WorkerFactory() = default;
  virtual std::unique_ptr<BatchWorker> MakeWorker(const char* name, BatchWorker::Handler handler) = 0;
};

}  // namespace henge
