// HintStore over one RocksDB. Internal to storage.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/hint_store.h"
#include "storage/rocks_base.h"

namespace henge {

class RocksHintStore final : public HintStore {
 public:
  RocksHintStore(RocksBase base, Tracer& tracer);
  ~RocksHintStore() override;

  // Counts what is there, then starts the workers.
  absl::Status Start(WorkerFactory& workers);

  void Read(std::vector<HintKey> keys, Executor& loop, ReadDone done) override;
  void ReadPage(PageQuery query, Executor& loop, PageDone done) override;
  void Commit(std::vector<HintChange> changes, Executor& loop, CommitDone done) override;
  const std::vector<Census>& census() const override { return census_; }
  const std::map<PartitionId, MarkedPartition>& marks() const override { return marks_; }
  DiskClass disk_class() const override;
  HintStoreFigures figures() const override;
  absl::Status health() const override { return base_.sticky->Get(); }
  absl::Status Close() override;

 private:
  struct ReadWork;
  struct CommitWork;
  class Group;

  absl::Status TakeCensus();
  absl::Status ReadMarks();
  // All that broken marks can have said.
  MarkedPartition MarksBroken(PartitionId partition, const absl::Status& why);
  void SayBroken(const HintKey& key, const absl::Status& why);
  std::vector<ReadResult> ReadNow(const std::vector<HintKey>& keys);
  absl::StatusOr<Page> PageNow(const PageQuery& query);
  void RunReads(std::vector<std::unique_ptr<WorkItem>> work);
  void RunCommits(std::vector<std::unique_ptr<WorkItem>> work);
  void CommitGroup(std::span<CommitWork* const> jobs);

  RocksBase base_;
  Tracer& tracer_;
  std::vector<Census> census_;
  std::map<PartitionId, MarkedPartition> marks_;  // as of the open
  std::atomic<uint64_t> hints_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> set_aside_{0};
  std::unique_ptr<BatchWorker> commit_worker_;
  std::unique_ptr<BatchWorker> read_worker_;
  bool closed_ = false;
};

}  // namespace henge
