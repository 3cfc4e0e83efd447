// One batch on its way to the commit worker. Internal to storage.
#pragma once

#include <cstddef>
#include <vector>

#include "core/runtime/batch_worker.h"
#include "core/runtime/executor.h"
#include "storage/store_engine.h"

namespace henge {

struct CommitJob : WorkItem {
  CommitJob(std::vector<CommitItem> items, Executor* loop, StoreEngine::CommitDone done);

  std::vector<CommitItem> items;
  Executor* loop;
  StoreEngine::CommitDone done;
  size_t bytes = 0;  // what the items take in a WriteBatch, at most
};

}  // namespace henge
