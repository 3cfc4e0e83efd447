// Scans: live records of the whole cluster in ring order, page by page.
//
// Lives on the node's control loop. For each partition as many owners as the quorum says give a page each; their
// records are merged, so that a scan shows what quorum reads of its keys would show at that time. Partitions are read
// ahead in growing windows, since most hold little.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/ring.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/task_scope.h"
#include "node/replica_caller.h"
#include "node/scan_cursor.h"
#include "node/scan_merge.h"

namespace henge {

struct ScanSettings {
  int scans_max = 16;   // at once; more are RESOURCE_EXHAUSTED
  int window_max = 64;  // partitions that are read at once
  uint32_t bytes_default = uint32_t{1} << 20;
  uint32_t bytes_max = uint32_t{2} << 20;  // of a page, so that it fits a client frame with its last record
  Duration budget_default = std::chrono::seconds(10);
  Duration budget_max = std::chrono::seconds(60);
};

struct ScanQuery {
  std::string bucket;
  std::string cursor;  // sealed; empty = from the start of the ring
  std::string prefix;
  uint32_t bytes_max = 0;  // 0 = the default
  uint32_t quorum = 0;
  bool has_quorum = false;  // else a majority of the owners
  Duration budget{0};       // 0 = the default
};

struct ScanRecord {
  std::string key;
  std::vector<std::string> values;
  std::string context;
};

struct ScanResultPage {
  std::vector<ScanRecord> records;
  std::string cursor;  // sealed
  bool done = false;
  uint32_t partitions_done = 0;
};

class ScanCoordinator {
 public:
  ScanCoordinator(ScanSettings options, MemberId self, Clock& clock, ReplicaCaller& replicas, RingPtr ring);

  // `done` runs once, on the loop. A page that the time ran out on holds what there is, if anything. INVALID_ARGUMENT,
  // NOT_FOUND (bucket), RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, or UNAVAILABLE: too few owners of a partition answered.
  using Done = absl::AnyInvocable<void(absl::StatusOr<ScanResultPage>)>;
  void Run(ScanQuery query, Done done);

  // Scans that begin from now on go by `ring`.
  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }

  // Takes no new scan; `idle` runs when the last one has been answered.
  void Drain(Closure idle);

 private:
  using PageResult = absl::StatusOr<MergedPage>;
  struct Scan;

  absl::StatusOr<Scan> Check(ScanQuery query) const;
  Task<void> Serve(Scan scan, Done done);
  Task<absl::StatusOr<ScanResultPage>> ReadPage(Scan scan);
  Task<void> ReadPartition(PartitionId partition, std::string cursor, uint32_t bytes_max, uint32_t quorum,
                           MonotonicTime deadline, Completion<PageResult> result);
  // Adds what of `merged` the client may see; returns the bytes that this added.
  size_t Take(const Scan& scan, MergedPage& merged, ScanResultPage* page) const;

  const ScanSettings options_;
  const MemberId self_;
  Clock& clock_;
  ReplicaCaller& replicas_;
  RingPtr ring_;
  bool draining_ = false;
  int scans_ = 0;
  Closure idle_;
  TaskScope tasks_;
};

}  // namespace henge
