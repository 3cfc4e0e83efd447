// A hint store in memory, with switches for each way in which a real one can be slow or fail.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/hint_store.h"

namespace henge::node_test {

class FakeHintStore final : public HintStore {
 public:
  explicit FakeHintStore(Executor& loop) : loop_(loop) {}

  void Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) override;
  void ReadPage(PageQuery query, Executor& loop, PageDone done) override;
  void Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) override;
  const std::vector<Census>& census() const override { return found; }
  const std::map<PartitionId, MarkedPartition>& marks() const override { return found_marks; }
  DiskClass disk_class() const override { return disk; }
  HintStoreFigures figures() const override { return {.hints = hints.size()}; }
  absl::Status health() const override { return broken; }
  absl::Status Close() override { return absl::OkStatus(); }

  // Makes `found` what an open would count.
  void TakeCensus();
  void ReleaseCommits();
  void ReleaseReads();

  bool hold_commits = false;
  bool hold_reads = false;
  DiskClass disk = DiskClass::kPlenty;
  absl::Status broken;        // the sticky status
  absl::Status commit_error;  // of the next commits, as a whole
  absl::Status put_error;     // of each put of the next commits
  std::set<std::string> unreadable;
  std::map<HintKey, StoredHint> hints;  // durable
  std::vector<Census> found;
  std::map<PartitionId, MarkedPartition> marked;  // durable
  std::map<PartitionId, MarkedPartition> found_marks;
  int reads = 0;
  int pages = 0;

 private:
  HintEffect Apply(HintChange& change);

  Executor& loop_;
  std::vector<Closure> held_commits_;
  std::vector<Closure> held_reads_;
};

}  // namespace henge::node_test
