#include "node/scan_coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/read_edge.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

// One owner that hangs may cost this much of a scan, not all of it.
constexpr Duration kAttemptTimeMax = std::chrono::seconds(2);

bool HasPrefix(std::string_view key, std::string_view prefix) { return key.substr(0, prefix.size()) == prefix; }

}  // namespace

struct ScanCoordinator::Scan {
  BucketId bucket;
  ScanCursor cursor;
  std::string prefix;
  uint32_t bytes_max = 0;
  uint32_t quorum = 0;  // 0 = a majority
  MonotonicTime deadline;
};

ScanCoordinator::ScanCoordinator(ScanSettings options, MemberId self, Clock& clock, ReplicaCaller& replicas,
                                 RingPtr ring)
    : options_(options), self_(self), clock_(clock), replicas_(replicas), ring_(std::move(ring)) {}

void ScanCoordinator::Run(ScanQuery query, Done done) {
  absl::StatusOr<Scan> scan = Check(std::move(query));
  if (!scan.ok()) return done(scan.status());
  ++scans_;
  tasks_.Spawn(Serve(*std::move(scan), std::move(done)));
}

void ScanCoordinator::Drain(Closure idle) {
  draining_ = true;
  if (scans_ == 0) return idle();
  idle_ = std::move(idle);
}

absl::StatusOr<ScanCoordinator::Scan> ScanCoordinator::Check(ScanQuery query) const {
  if (draining_) return absl::UnavailableError("this node is shutting down: go on at another one");
  const Bucket* bucket = ring_->state().FindBucket(query.bucket.empty() ? "default" : query.bucket);
  if (bucket == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no bucket \"", query.bucket, "\": use \"default\""));
  }
  Scan scan;
  scan.bucket = bucket->id;
  HENGE_ASSIGN_OR_RETURN(scan.cursor, OpenScanCursor(query.cursor, ring_->cluster()));
  const auto owners = static_cast<uint32_t>(ring_->Owners(PartitionId(0)).size());
  if (query.has_quorum && (query.quorum == 0 || query.quorum > owners)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a scan of ", query.quorum, " replicas: this cluster keeps ", owners, ", ask for 1 to ", owners));
  }
  if (scans_ >= options_.scans_max) {
    return absl::ResourceExhaustedError(absl::StrCat(scans_, " scans are under way at this node: try again later"));
  }
  scan.quorum = query.has_quorum ? query.quorum : 0;
  scan.prefix = std::move(query.prefix);
  scan.bytes_max = std::min(query.bytes_max == 0 ? options_.bytes_default : query.bytes_max, options_.bytes_max);
  const Duration budget = query.budget == Duration::zero() ? options_.budget_default : query.budget;
  scan.deadline = clock_.Now() + std::min(budget, options_.budget_max);
  return scan;
}

Task<void> ScanCoordinator::Serve(Scan scan, Done done) {
  absl::StatusOr<ScanResultPage> page = co_await ReadPage(std::move(scan));
  done(std::move(page));
  if (--scans_ == 0 && draining_) std::exchange(idle_, nullptr)();
}

Task<absl::StatusOr<ScanResultPage>> ScanCoordinator::ReadPage(Scan scan) {
  ScanResultPage page;
  ScanCursor at = scan.cursor;
  size_t bytes = 0;
  int window = 1;
  bool full = false;
  while (!full && at.partition < kPartitionCount) {
    std::vector<Completion<PageResult>> results(std::min(window, kPartitionCount - at.partition));
    for (size_t i = 0; i < results.size(); ++i) {
      const PartitionId partition(static_cast<uint16_t>(at.partition + static_cast<int>(i)));
      tasks_.Spawn(ReadPartition(partition, i == 0 ? at.in_partition : "", scan.bytes_max, scan.quorum, scan.deadline,
                                 results[i]));
    }
    for (Completion<PageResult>& result : results) {
      PageResult merged = co_await result;
      if (full) continue;  // still awaited: what was started is seen to its end
      if (!merged.ok()) {
        if (page.records.empty() && at == scan.cursor) co_return merged.status();
        full = true;
        continue;
      }
      bytes += Take(scan, *merged, &page);
      at = merged->done ? ScanCursor{at.partition + 1, ""} : ScanCursor{at.partition, std::move(merged->cursor)};
      full = bytes >= scan.bytes_max || !merged->done || clock_.Now() >= scan.deadline;
    }
    window = bytes < scan.bytes_max / 4 ? std::min(window * 2, options_.window_max) : 1;
  }
  page.done = at.partition == kPartitionCount;
  page.partitions_done = static_cast<uint32_t>(at.partition);
  page.cursor = SealScanCursor(at, ring_->cluster());
  co_return page;
}

Task<void> ScanCoordinator::ReadPartition(PartitionId partition, std::string cursor, uint32_t bytes_max,
                                          uint32_t quorum, MonotonicTime deadline, Completion<PageResult> result) {
  const RingPtr ring = ring_;
  const std::span<const MemberId> listed = ring->Owners(partition);
  std::vector<MemberId> owners(listed.begin(), listed.end());
  // The own replica first: it costs no message.
  std::stable_partition(owners.begin(), owners.end(), [this](MemberId m) { return m == self_; });
  const size_t needed = quorum > 0 ? quorum : owners.size() / 2 + 1;
  size_t asked = 0;
  std::vector<ScanReply> pages;
  std::string failures;
  while (pages.size() < needed && asked < owners.size()) {
    std::vector<std::pair<MemberId, Completion<absl::StatusOr<PeerReply>>>> calls;
    const MonotonicTime attempt_deadline = std::min(deadline, clock_.Now() + kAttemptTimeMax);
    for (; asked < owners.size() && pages.size() + calls.size() < needed; ++asked) {
      Completion<absl::StatusOr<PeerReply>> answer;
      replicas_.Call(owners[asked], ScanRequest{partition, ring->Epoch(partition), cursor, bytes_max}, attempt_deadline,
                     [answer](absl::StatusOr<PeerReply> reply) mutable { answer.Set(std::move(reply)); });
      calls.emplace_back(owners[asked], answer);
    }
    for (auto& [member, answer] : calls) {
      absl::StatusOr<PeerReply> reply = co_await answer;
      if (reply.ok()) {
        pages.push_back(std::get<ScanReply>(*std::move(reply)));
      } else {
        const Member* info = ring->state().FindMember(member);
        absl::StrAppend(&failures, failures.empty() ? "" : "; ", info == nullptr ? "?" : info->name, ": ",
                        reply.status().ToString());
      }
    }
  }
  if (pages.size() < needed) {
    result.Set(absl::UnavailableError(absl::StrCat(pages.size(), " of ", needed, " needed owners of partition ",
                                                   partition.value(), " answered the scan (", failures, ")")));
    co_return;
  }
  result.Set(MergeScanPages(std::move(pages), [this](BucketId bucket) { return ring_->ConflictOf(bucket); }));
}

size_t ScanCoordinator::Take(const Scan& scan, MergedPage& merged, ScanResultPage* page) const {
  const int64_t now_ms = clock_.WallNow().time_since_epoch().count();
  size_t bytes = 0;
  for (MergedRecord& record : merged.records) {
    if (record.key.bucket != scan.bucket || !HasPrefix(record.key.key, scan.prefix)) continue;
    ScanRecord shown;
    for (const Sibling* sibling : VisibleAt(record.object, now_ms)) shown.values.push_back(sibling->value);
    if (shown.values.empty()) continue;
    shown.context = SealContext(ReadContext(record.object), ring_->cluster(), record.key.bucket, record.key.key);
    shown.key = std::move(record.key.key);
    bytes += shown.key.size() + shown.context.size();
    for (const std::string& value : shown.values) bytes += value.size();
    page->records.push_back(std::move(shown));
  }
  return bytes;
}

}  // namespace henge
