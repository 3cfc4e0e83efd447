// The bottom: the records of a leaf, compared, and merged in both directions.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/leaf_diff.h"
#include "core/runtime/timer_await.h"
#include "node/antientropy/round.h"

namespace henge {
namespace {

constexpr size_t kLeafPageBytes = size_t{256} << 10;

std::pair<BucketId, std::string_view> PlaceOf(const LeafRecord& record) { return {record.bucket, record.key}; }

void CutAfter(std::vector<LeafRecord>* records, const LeafRecord& last) {
  std::erase_if(*records, [&last](const LeafRecord& record) { return PlaceOf(record) > PlaceOf(last); });
}

RecordKey KeyOf(LeafId leaf, const LeafRecord& record) { return {leaf.partition, record.bucket, record.key}; }

std::vector<RecordKey> KeysOf(LeafId leaf, const std::vector<LeafRecord>& first,
                              const std::vector<LeafRecord>& second) {
  std::vector<RecordKey> keys;
  keys.reserve(first.size() + second.size());
  for (const LeafRecord& record : first) keys.push_back(KeyOf(leaf, record));
  for (const LeafRecord& record : second) keys.push_back(KeyOf(leaf, record));
  return keys;
}

}  // namespace

// What both sides have of a leaf, up to where both are known.
struct Round::Window {
  LeafDiff diff;
  std::optional<RecordKey> end;  // go on after this one; none: the leaf's end
};

Task<void> Round::RepairAll() {
  // The lanes end one after another; the last one says so.
  std::vector<Completion<bool>> lanes(std::min(to_repair_.size(), static_cast<size_t>(core_->options.lanes)));
  for (Completion<bool>& lane : lanes) {
    if (!core_->scope.Spawn(Lane(shared_from_this(), lane))) lane.Set(false);
  }
  for (Completion<bool>& lane : lanes) co_await lane;
}

Task<void> Round::Lane(std::shared_ptr<Round> round, Completion<bool> done) {
  while (!round->to_repair_.empty()) {
    const LeafId leaf = round->to_repair_.front();
    round->to_repair_.pop_front();
    ++round->core_->figures.leaves_scanned;
    const bool repaired = co_await round->RepairLeaf(leaf);
    if (repaired) {
      round->core_->watch.LeafIsEqual(round->peer_, leaf.partition, leaf.segment);
    } else {
      round->open_.insert(leaf.partition);
    }
  }
  done.Set(true);
}

Task<absl::StatusOr<Round::Window>> Round::ReadWindow(LeafId leaf, std::optional<RecordKey> after) {
  Completion<absl::StatusOr<StoreEngine::LeafPage>> scanned;
  core_->engine.ScanLeaf(
      leaf, after, kLeafPageBytes, core_->env.executor,
      [scanned](absl::StatusOr<StoreEngine::LeafPage> page) mutable { scanned.Set(std::move(page)); });
  absl::StatusOr<StoreEngine::LeafPage> ours = co_await scanned;
  if (!ours.ok()) co_return std::move(ours).status();
  TreeRequest request = Request(TreeLevel::kRecords);
  request.nodes = {leaf.partition.value() * uint32_t{kTreeLeaves} + leaf.segment};
  if (after.has_value()) {
    request.after_bucket = after->bucket;
    request.after_key = after->key;
  }
  absl::StatusOr<PeerReply> reply = co_await Call(std::move(request));
  if (!reply.ok()) co_return std::move(reply).status();
  auto* theirs = std::get_if<TreeReply>(&*reply);
  if (theirs == nullptr) co_return absl::InternalError("the peer answered about its trees with another kind of reply");
  Window window;
  for (const auto& [records, done] :
       {std::pair(&ours->records, ours->done), std::pair(&theirs->records, theirs->done)}) {
    if (done) continue;
    if (records->empty()) co_return absl::DataLossError("a page of a leaf has no readable record");
    const RecordKey end = KeyOf(leaf, records->back());
    if (!window.end.has_value() || end < *window.end) window.end = end;
  }
  if (window.end.has_value()) {
    const LeafRecord last{window.end->bucket, window.end->key, 0};
    CutAfter(&ours->records, last);
    CutAfter(&theirs->records, last);
  }
  absl::StatusOr<LeafDiff> diff = CompareLeaf(ours->records, theirs->records);
  if (!diff.ok()) co_return std::move(diff).status();
  window.diff = *std::move(diff);
  co_return window;
}

// First theirs into ours, then ours, which has both by then, into theirs.
Task<bool> Round::RepairLeaf(LeafId leaf) {
  bool whole = true;
  std::optional<RecordKey> after;
  for (;;) {
    absl::StatusOr<Window> window = co_await ReadWindow(leaf, after);
    if (!window.ok()) co_return false;
    std::vector<RecordKey> to_pull = KeysOf(leaf, window->diff.differing, window->diff.only_theirs);
    std::vector<RecordKey> to_push = KeysOf(leaf, window->diff.differing, window->diff.only_ours);
    for (RecordKey& key : to_pull) {
      const bool pulled = co_await Pull(std::move(key));
      whole = whole && pulled;
    }
    for (RecordKey& key : to_push) {
      const bool pushed = co_await Push(std::move(key));
      whole = whole && pushed;
    }
    if (!window->end.has_value()) co_return whole;
    after = std::move(window->end);
  }
}

Round::Bucket Round::BucketOf(BucketId id) const {
  if (core_->ring->state().FindBucket(id) != nullptr) return Bucket::kKnown;
  return core_->ring->state().IsDropped(id) ? Bucket::kDropped : Bucket::kUnknown;
}

Task<bool> Round::Pull(RecordKey key) {
  if (BucketOf(key.bucket) != Bucket::kKnown) co_return BucketOf(key.bucket) == Bucket::kDropped;
  ReadRequest request{.key = key, .epoch = core_->ring->Epoch(key.partition)};
  request.for_exchange = true;
  absl::StatusOr<PeerReply> reply = co_await Call(std::move(request));
  auto* read = reply.ok() ? std::get_if<ReadReply>(&*reply) : nullptr;
  if (read == nullptr) co_return false;
  if (!read->found) co_return true;
  co_await Pay(read->object.size());
  MergeRequest merge{.key = key,
                     .epoch = core_->ring->Epoch(key.partition),
                     .object = std::move(read->object),
                     .cause = MergeCause::kExchange};
  Completion<absl::Status> merged;
  core_->replica.Merge(std::move(merge),
                       [merged](absl::StatusOr<MergeReply> done) mutable { merged.Set(std::move(done).status()); });
  const absl::Status status = co_await merged;
  if (status.ok()) ++core_->figures.repaired_here;
  co_return status.ok();
}

Task<bool> Round::Push(RecordKey key) {
  if (BucketOf(key.bucket) != Bucket::kKnown) co_return BucketOf(key.bucket) == Bucket::kDropped;
  Completion<absl::StatusOr<ReadReply>> answer;
  core_->replica.ReadStored(key, [answer](absl::StatusOr<ReadReply> read) mutable { answer.Set(std::move(read)); });
  absl::StatusOr<ReadReply> read = co_await answer;
  if (!read.ok()) co_return false;
  if (!read->found) co_return true;
  co_await Pay(read->object.size());
  MergeRequest merge{.key = key,
                     .epoch = core_->ring->Epoch(key.partition),
                     .object = std::move(read->object),
                     .cause = MergeCause::kExchange};
  absl::StatusOr<PeerReply> merged = co_await Call(std::move(merge));
  if (merged.ok()) ++core_->figures.repaired_there;
  co_return merged.ok();
}

Task<void> Round::Pay(size_t bytes) {
  core_->figures.bytes_moved += bytes;
  const MonotonicTime now = core_->env.clock.Now();
  const MonotonicTime when = core_->budget.Take(bytes, now);
  if (when > now) co_await SleepUntil(core_->env.executor, when);
}

}  // namespace henge
