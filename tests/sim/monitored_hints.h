// A store of hints that shows the monitor what passes, and may have a bug. Owns the real one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/hint_store.h"
#include "tests/sim/monitor.h"

namespace henge::sim {

// Bugs that the checkers must catch; planted under the keeper, in its store.
enum class HintBug : uint8_t {
  kNone,
  kOverwrite,  // a hint is stored with its last version only, whatever it was merged from
  kForget,     // one batch in four is acknowledged and not stored
  kPassOver,   // the first pages of each target come out empty, for a minute or so
};

class MonitoredHintStore final : public HintStore {
 public:
  MonitoredHintStore(std::unique_ptr<HintStore> store, int node, Monitor& monitor, HintBug bug)
      : store_(std::move(store)), node_(node), monitor_(monitor), bug_(bug) {
    monitor_.hints().OnOpened(node_, store_->figures().hints);
  }

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
  void NoteRead(const HintKey& key, const StoredHint& hint);

  std::unique_ptr<HintStore> store_;
  const int node_;
  Monitor& monitor_;
  const HintBug bug_;
  uint64_t commits_ = 0;
  std::map<MemberId, int> passed_over_;
};

}  // namespace henge::sim
