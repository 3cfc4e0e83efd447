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
// A record that can't be read here is mended meanwhile, if all its owners can be asked.
constexpr int kPullAttempts = 4;
constexpr Duration kPullPause = std::chrono::milliseconds(500);

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
  bool unreadable_here = false;  // nothing else is known then
};

// The two sides of a pair, and the two peers of a node that came back, see the same differences at about the same time:
// each begins at another leaf, and of a pair one goes up and one down, so that most leaves are one's own (TakenLeaves).
void Round::OrderRepairs() {
  if (to_repair_.size() < 2) return;
  const auto first = static_cast<ptrdiff_t>(core_->env.random.Below(to_repair_.size()));
  std::rotate(to_repair_.begin(), to_repair_.begin() + first, to_repair_.end());
  if (peer_ < core_->place.self) std::reverse(to_repair_.begin(), to_repair_.end());
}

Task<void> Round::RepairAll() {
  OrderRepairs();
  core_->pace.Begin(core_->env.clock.Now());
  repair_until_ = core_->env.clock.Now() + core_->options.repair_time_max;
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
    EntropyCore& core = *round->core_;
    const MonotonicTime now = core.env.clock.Now();
    const bool taken = core.taken.IsTaken(round->peer_, leaf, now);
    if (taken || now >= round->repair_until_) {
      if (taken) ++core.figures.leaves_left;
      round->open_.insert(leaf.partition);
      round->look_again_ = true;
      continue;
    }
    ++core.figures.leaves_scanned;
    const bool repaired = co_await round->RepairLeaf(leaf);
    if (repaired) {
      core.pace.OnRepaired(core.env.clock.Now());
      core.watch.LeafIsEqual(round->peer_, leaf.partition, leaf.segment);
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
  Window window;
  window.unreadable_here = absl::IsDataLoss(ours.status());
  if (window.unreadable_here) co_return window;
  if (!ours.ok()) co_return std::move(ours).status();
  absl::StatusOr<TreeReply> theirs = co_await AskRecords(leaf, after);
  if (!theirs.ok()) co_return std::move(theirs).status();
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

Task<absl::StatusOr<TreeReply>> Round::AskRecords(LeafId leaf, std::optional<RecordKey> after) {
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
  co_return std::move(*theirs);
}

Task<bool> Round::PullListed(LeafId leaf) {
  bool whole = true;
  std::optional<RecordKey> after;
  for (;;) {
    absl::StatusOr<TreeReply> page = co_await AskRecords(leaf, after);
    if (!page.ok() || (page->records.empty() && !page->done)) co_return false;
    const absl::StatusOr<LeafDiff> listed = CompareLeaf({}, page->records);
    if (!listed.ok()) co_return false;
    for (const LeafRecord& record : listed->only_theirs) {
      const bool pulled = co_await PullPatiently(KeyOf(leaf, record));
      whole = whole && pulled;
    }
    if (page->done) co_return whole;
    after = KeyOf(leaf, page->records.back());
  }
}

Task<bool> Round::PullPatiently(RecordKey key) {
  for (int attempt = 0; attempt < kPullAttempts; ++attempt) {
    if (attempt > 0) co_await SleepUntil(core_->env.executor, core_->env.clock.Now() + kPullPause);
    const bool pulled = co_await Pull(key);
    if (pulled) co_return true;
  }
  co_return false;
}

// First theirs into ours, then ours, which has both by then, into theirs.
Task<bool> Round::RepairLeaf(LeafId leaf) {
  bool whole = true;
  std::optional<RecordKey> after;
  for (;;) {
    absl::StatusOr<Window> window = co_await ReadWindow(leaf, after);
    if (!window.ok()) co_return false;
    if (window->unreadable_here) {
      const bool pulled = co_await PullListed(leaf);
      co_return pulled;
    }
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
