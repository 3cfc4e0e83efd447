// One batch on its way to the commit worker. Internal to storage.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/runtime/batch_worker.h"
#include "core/runtime/executor.h"
#include "storage/store_engine.h"

namespace henge {

struct CommitJob : WorkItem {
  CommitJob(std::vector<CommitItem> items, Executor* loop, StoreEngine::CommitDone done);

  std::vector<CommitItem> items;
  std::string meta_name;  // with `meta_value`, instead of items; empty = none
  std::string meta_value;
  std::optional<LeafId> rewrite;  // instead of items: the leaf to compute anew; answered by `rewritten`
  StoreEngine::RewriteDone rewritten;
  Executor* loop;
  StoreEngine::CommitDone done;
  bool rest = false;  // nothing to write: the store is at rest
  size_t bytes = 0;   // what the items take in a WriteBatch, at most
};

}  // namespace henge
