// A store of hints that shows the monitor what passes. Owns the real one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/hint_store.h"
#include "tests/sim/monitor.h"

namespace henge::sim {

class MonitoredHintStore final : public HintStore {
 public:
  MonitoredHintStore(std::unique_ptr<HintStore> store, int node, Monitor& monitor)
      : store_(std::move(store)), node_(node), monitor_(monitor) {}

  void Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) override;
  void ReadPage(PageQuery query, Executor& loop, PageDone done) override;
  void Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) override;
  const std::vector<Census>& census() const override { return store_->census(); }
  DiskClass disk_class() const override { return store_->disk_class(); }
  const std::map<PartitionId, MarkedPartition>& marks() const override { return store_->marks(); }
  HintStoreFigures figures() const override { return store_->figures(); }
  absl::Status health() const override { return store_->health(); }
  absl::Status Close() override { return store_->Close(); }

 private:
  void NoteRead(const std::string& key, const StoredHint& hint);

  std::unique_ptr<HintStore> store_;
  const int node_;
  Monitor& monitor_;
};

}  // namespace henge::sim
