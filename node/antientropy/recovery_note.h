// The durable note of which partitions are recovering (P15): read at the start, kept true while the node runs.
//
// Owned by the node; control loop only, but for Load and Store, which block and belong to the start. A loss is noted
// before anything counts on it; that a partition is whole is noted soon after: a crash in between costs an exchange.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/ids.h"
#include "core/runtime/executor.h"
#include "storage/store_engine.h"

namespace henge {

class RecoveryNote {
 public:
  static absl::StatusOr<std::set<PartitionId>> Load(StoreEngine& engine);
  static absl::Status Store(StoreEngine& engine, const std::set<PartitionId>& recovering);

  RecoveryNote(StoreEngine& engine, Executor& control, std::set<PartitionId> recovering);

  void Lost(const std::vector<PartitionId>& partitions);
  void Whole(const std::vector<PartitionId>& partitions);
  // `written` runs once all that was noted so far is durable; never if the store fails.
  void WhenWritten(Closure written);

 private:
  void Write();

  StoreEngine& engine_;
  Executor& control_;
  std::set<PartitionId> recovering_;
  bool writing_ = false;
  bool changed_ = false;  // since the write under way began
  std::vector<Closure> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace henge
