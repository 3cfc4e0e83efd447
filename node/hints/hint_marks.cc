// Relief of a full store; the clearing of what it marks is in mark_clearing.cc.
#include "node/hints/hint_marks.h"

#include <algorithm>
#include <utility>

#include "core/runtime/timer_await.h"
#include "node/hints/hint_route.h"

namespace henge {
namespace {

// A local store that doesn't answer for so long has failed, or is about to say so.
constexpr Duration kStorePatience = std::chrono::seconds(60);
// Of one relief and target: a store full of hints that can't be given up isn't read from end to end each time.
constexpr int kPagesMax = 64;

uint64_t ShareOf(uint64_t bytes, double share) { return static_cast<uint64_t>(static_cast<double>(bytes) * share); }

}  // namespace

// Hints that are being proved at once.
struct HintMarks::Page {
  int open = 0;
  bool all_sent = false;
  Completion<bool> done;

  void CloseOne() {
    --open;
    Check();
  }
  void Check() {
    if (all_sent && open == 0) done.Set(true);
  }
};

// One hint, and who of its witnesses have it.
struct HintMarks::Proof {
  HintKey key;
  uint64_t digest = 0;
  size_t needed = 1;
  size_t durable = 0;
  size_t missing = 0;
  bool decided = false;
  std::shared_ptr<Page> page;
};

HintMarks::HintMarks(HintMarksOptions options, ShardEnvironment environment, HintShelf& shelf, LocalReplica& replica,
                     StoreEngine& engine, BackgroundBudget& budget, RingPtr ring)
    : options_(options),
      begin_bytes_(ShareOf(options.bytes_max, options.begin_share)),
      end_bytes_(ShareOf(options.bytes_max, options.end_share)),
      env_(environment),
      shelf_(shelf),
      replica_(replica),
      engine_(engine),
      budget_(budget),
      ring_(std::move(ring)),
      clear_backoff_(options.backoff_min),
      alive_(std::make_shared<bool>(true)) {
  if (shelf_.marks().empty()) return;
  // Timers are the loop's own: posted, as a node is made while no loop runs.
  env_.executor.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) ArmClearing(env_.clock.Now() + clear_backoff_);
  });
}

HintMarks::~HintMarks() { Stop(); }

void HintMarks::Stop() {
  stopped_ = true;
  if (timer_.has_value()) env_.executor.Cancel(*std::exchange(timer_, std::nullopt));
}

void HintMarks::UpdateRing(RingPtr ring) {
  ring_ = std::move(ring);
  cursors_.clear();
}

void HintMarks::AddTo(HintFigures* figures) const {
  figures->marked += marked_;
  figures->marks_cleared += cleared_;
  for (const auto& [partition, marks] : shelf_.marks()) {
    figures->marks += marks.segments.count();
    if (marks.since_ms == 0) continue;
    int64_t& since = figures->marks_since_ms;
    since = since == 0 ? marks.since_ms : std::min(since, marks.since_ms);
  }
}

// ---- Relief

void HintMarks::Consider() {
  if (shelf_.projected_bytes() > static_cast<int64_t>(begin_bytes_)) Relieve();
}

void HintMarks::Relieve() {
  if (relieving_ || stopped_ || HasRoom() || env_.clock.Now() < relief_not_before_) return;
  relieving_ = true;
  tasks_.Spawn(Relief());
}

Task<void> HintMarks::Relief() {
  const uint64_t before = marked_;
  std::vector<std::pair<uint64_t, MemberId>> targets;
  for (const auto& [target, pending] : shelf_.pending()) targets.emplace_back(pending.bytes, target);
  std::sort(targets.rbegin(), targets.rend());
  for (const auto& [bytes, target] : targets) {
    if (stopped_ || HasRoom()) break;
    co_await ReliefOf(target);
  }
  relieving_ = false;
  const uint64_t marked = marked_ - before;
  const int64_t left = shelf_.projected_bytes();
  env_.tracer.Event(marked > 0 ? Severity::kInfo : Severity::kWarning, marked > 0 ? "HintsMarked" : "NoHintCanGo",
                    {{"marked", marked}, {"bytes_left", static_cast<uint64_t>(std::max<int64_t>(left, 0))}});
  relief_backoff_ =
      marked > 0 ? Duration{0} : std::clamp(relief_backoff_ * 2, options_.backoff_min, options_.backoff_max);
  relief_not_before_ = env_.clock.Now() + relief_backoff_;
  if (marked > 0) ArmClearing(env_.clock.Now() + clear_backoff_);
}

Task<void> HintMarks::ReliefOf(MemberId target) {
  for (int pages = 0; pages < kPagesMax && !stopped_ && !HasRoom(); ++pages) {
    absl::StatusOr<HintStore::Page> page = co_await ReadPage(target);
    if (!page.ok()) co_return;
    if (page->done) {
      cursors_.erase(target);
    } else {
      cursors_[target] = page->cursor;
    }
    const bool last = page->done;
    const bool answered = co_await ProvePage(*std::move(page));
    if (last || !answered) co_return;
  }
}

Task<absl::StatusOr<HintStore::Page>> HintMarks::ReadPage(MemberId target) {
  Completion<absl::StatusOr<HintStore::Page>> read;
  shelf_.ReadPage(target, cursors_[target], options_.page_bytes, options_.page_items,
                  [read](absl::StatusOr<HintStore::Page> page) mutable { read.Set(std::move(page)); });
  CompleteAt late(env_.executor, read, env_.clock.Now() + kStorePatience,
                  absl::DeadlineExceededError("the hint store doesn't answer"));
  co_return co_await read;
}

Task<bool> HintMarks::ProvePage(HintStore::Page page) {
  auto run = std::make_shared<Page>();
  for (auto& [key, hint] : page.items) {
    std::vector<MemberId> witnesses = Witnesses(key, hint.needed);
    if (witnesses.empty()) continue;
    const Duration wait = budget_.Take(HintBytes(key, hint) * witnesses.size(), env_.clock.Now());
    if (wait > Duration{0}) co_await SleepUntil(env_.executor, env_.clock.Now() + wait);
    if (stopped_) break;
    // The budget may have let time pass.
    witnesses = Witnesses(key, hint.needed);
    if (!witnesses.empty()) Prove(std::move(key), std::move(hint), std::move(witnesses), run);
  }
  run->all_sent = true;
  run->Check();
  CompleteAt late(env_.executor, run->done, env_.clock.Now() + options_.call_timeout + kStorePatience, false);
  co_return co_await run->done;
}

std::vector<MemberId> HintMarks::Witnesses(const HintKey& key, uint32_t needed) const {
  const HintRoute route = RouteOf(*ring_, key);
  std::vector<MemberId> witnesses;
  if (route.fate != HintFate::kDeliver) return witnesses;
  for (MemberId owner : ring_->Owners(key.record.partition)) {
    if (owner != key.target && (owner == options_.self || IsAlive(owner))) witnesses.push_back(owner);
  }
  if (witnesses.size() < std::max<size_t>(needed, 1)) witnesses.clear();
  return witnesses;
}

// Their acks say that the merge is durable, whether it changed anything or not (P11).
void HintMarks::Prove(HintKey key, StoredHint hint, std::vector<MemberId> witnesses, std::shared_ptr<Page> page) {
  ++page->open;
  auto proof = std::make_shared<Proof>();
  proof->key = std::move(key);
  proof->digest = ObjectDigest(hint.object);
  proof->needed = std::max<size_t>(hint.needed, 1);
  proof->missing = witnesses.size();
  proof->page = std::move(page);
  const RecordKey& record = proof->key.record;
  const MonotonicTime deadline = env_.clock.Now() + options_.call_timeout;
  for (MemberId witness : witnesses) {
    MergeRequest request{
        .key = record, .epoch = ring_->Epoch(record.partition), .object = hint.object, .minter = std::nullopt};
    auto heard = [this, proof, alive = std::weak_ptr<bool>(alive_)](const auto& reply) {
      if (!alive.expired()) OnWitness(proof, reply.status());
    };
    if (witness == options_.self) {
      replica_.Merge(std::move(request), std::move(heard));
    } else {
      env_.transport.Call(witness, std::move(request), deadline, std::move(heard));
    }
  }
}

void HintMarks::OnWitness(const std::shared_ptr<Proof>& proof, const absl::Status& status) {
  --proof->missing;
  if (status.ok()) ++proof->durable;
  if (proof->decided) return;
  if (proof->durable < proof->needed) {
    if (proof->missing > 0) return;
    proof->decided = true;
    proof->page->CloseOne();
    return;
  }
  proof->decided = true;
  HintKey key = proof->key;
  shelf_.Mark(std::move(key), proof->digest, static_cast<uint32_t>(proof->durable), WallMs(),
              [this, proof, alive = std::weak_ptr<bool>(alive_)](const absl::StatusOr<bool>& marked) {
                if (alive.expired()) return;
                if (marked.ok() && *marked) ++marked_;
                proof->page->CloseOne();
              });
}

}  // namespace henge
