#include "node/antientropy/scrub.h"

#include <optional>
#include <utility>

#include "core/model/limits.h"
#include "core/runtime/timer_await.h"

namespace henge {
namespace {

constexpr size_t kPageBytes = size_t{256} << 10;

}  // namespace

Scrub::Scrub(ScrubOptions options, AntiEntropyPlace place, ShardEnvironment environment, StoreEngine& engine,
             MendFn mend)
    : options_(options), place_(place), env_(environment), engine_(engine), mend_(std::move(mend)) {}

Task<void> Scrub::Run() {
  while (!stopped_) {
    for (uint32_t p = place_.shard; p < kPartitionCount && !stopped_; p += place_.shards) {
      const PartitionId partition(static_cast<uint16_t>(p));
      if (engine_.ReadRoot(partition) == 0) continue;
      co_await SleepUntil(env_.executor, env_.clock.Now() + options_.pause);
      if (!stopped_) co_await CheckPartition(partition);
    }
    ++figures_.passes;
    co_await SleepUntil(env_.executor, env_.clock.Now() + options_.pause_between_passes);
  }
}

Task<void> Scrub::CheckPartition(PartitionId partition) {
  ++figures_.partitions;
  const PartitionTree tree = engine_.ReadTree(partition);
  for (int segment = 0; segment < kTreeLeaves && !stopped_; ++segment) {
    const LeafId leaf{partition, static_cast<uint8_t>(segment)};
    if (tree.leaf(leaf.segment) == 0) continue;
    Verdict verdict = co_await Judge(leaf);
    if (verdict == Verdict::kWrong) {
      co_await SleepUntil(env_.executor, env_.clock.Now() + options_.confirm);
      verdict = co_await Judge(leaf);
    }
    if (verdict == Verdict::kWrong) co_await Rewrite(leaf);
    if (verdict == Verdict::kUnreadable) co_await MendLeaf(leaf);
  }
}

Task<Scrub::Verdict> Scrub::Judge(LeafId leaf) {
  const uint64_t before = engine_.ReadTree(leaf.partition).leaf(leaf.segment);
  uint64_t hash = 0;
  std::optional<RecordKey> after;
  for (bool done = false; !done;) {
    Completion<absl::StatusOr<StoreEngine::LeafPage>> scanned;
    engine_.ScanLeaf(leaf, after, kPageBytes, env_.executor,
                     [scanned](absl::StatusOr<StoreEngine::LeafPage> page) mutable { scanned.Set(std::move(page)); });
    absl::StatusOr<StoreEngine::LeafPage> page = co_await scanned;
    if (!page.ok()) {
      ++figures_.unreadable;
      env_.tracer.Event(Severity::kAlarm, "LeafUnreadable",
                        {{"partition", uint64_t{leaf.partition.value()}},
                         {"segment", uint64_t{leaf.segment}},
                         {"why", page.status().ToString()}});
      co_return Verdict::kUnreadable;  // no scan can say what it should be
    }
    for (const LeafRecord& record : page->records) hash ^= record.hash;
    figures_.records += page->records.size();
    done = page->done || page->records.empty();
    if (!done) after = RecordKey{leaf.partition, page->records.back().bucket, page->records.back().key};
  }
  const bool same = hash == before || hash == engine_.ReadTree(leaf.partition).leaf(leaf.segment);
  co_return same ? Verdict::kTrue : Verdict::kWrong;
}

Task<void> Scrub::MendLeaf(LeafId leaf) {
  Completion<bool> mended;
  mend_(leaf, [mended](bool whole) mutable { mended.Set(whole); });
  const bool whole = co_await mended;
  if (whole) ++figures_.leaves_mended;
}

Task<void> Scrub::Rewrite(LeafId leaf) {
  Completion<absl::StatusOr<uint64_t>> rewritten;
  engine_.RewriteLeaf(leaf, env_.executor,
                      [rewritten](absl::StatusOr<uint64_t> drift) mutable { rewritten.Set(drift); });
  const absl::StatusOr<uint64_t> drift = co_await rewritten;
  if (!drift.ok() || *drift == 0) co_return;
  ++figures_.leaves_rewritten;
  env_.tracer.Event(Severity::kAlarm, "LeafDrifted",
                    {{"partition", uint64_t{leaf.partition.value()}}, {"segment", uint64_t{leaf.segment}}});
}

}  // namespace henge
