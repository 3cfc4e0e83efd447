// One round of delivery: pages of hints, sent, acknowledged, removed.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/model/hash.h"
#include "core/runtime/timer_await.h"
#include "node/hints/hint_delivery.h"

namespace henge {
namespace {

// A local store that doesn't answer for so long has failed, or is about to say so.
constexpr Duration kStorePatience = std::chrono::seconds(60);

// Where others give a hint up (H21); here it is worth a line.
constexpr int64_t kOldHintMs = int64_t{3} * 3600 * 1000;

// Whether the callee could not be reached, or takes nothing now: the next hint would fare no better.
bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) ||
         absl::IsCancelled(status);
}

// Whether one of the two knows an older cluster state: it passes.
bool IsStale(const absl::Status& status) { return absl::IsAborted(status) || absl::IsFailedPrecondition(status); }

}  // namespace

// What became of one page.
struct HintDelivery::PageRun {
  int open = 0;
  bool all_sent = false;
  bool unreachable = false;
  bool left_some = false;
  int64_t oldest_left_ms = 0;  // when the oldest of those that stay was stored; 0 if none does
  Completion<bool> done;

  void Leave(int64_t stored_at_ms) {
    oldest_left_ms = oldest_left_ms == 0 ? stored_at_ms : std::min(oldest_left_ms, stored_at_ms);
  }

  void CloseOne() {
    --open;
    Check();
  }
  void Check() {
    if (all_sent && open == 0) done.Set(true);
  }
};

// One hint on its way to everybody who has to have it.
struct HintDelivery::Item {
  HintKey key;
  uint64_t digest = 0;
  int64_t stored_at_ms = 0;
  bool redirected = false;
  size_t missing = 0;
  bool failed = false;
  std::shared_ptr<PageRun> run;
};

Task<absl::StatusOr<HintStore::Page>> HintDelivery::ReadPage(MemberId target, std::string cursor, size_t items_max) {
  Completion<absl::StatusOr<HintStore::Page>> read;
  keeper_.shelf().ReadPage(target, std::move(cursor), options_.page_bytes, items_max,
                           [read](absl::StatusOr<HintStore::Page> page) mutable { read.Set(std::move(page)); });
  CompleteAt late(env_.executor, read, env_.clock.Now() + kStorePatience,
                  absl::DeadlineExceededError("the hint store doesn't answer"));
  co_return co_await read;
}

Task<void> HintDelivery::Round(MemberId target, Kind kind) {
  std::string cursor;
  bool failed = false;
  bool left_some = false;
  int64_t oldest_left_ms = 0;
  SayIfStranger(target);
  keeper_.shelf().BeginPass(target);
  size_t items_max = kind == Kind::kProbe ? 1 : options_.page_items;
  for (bool more = true; more && !failed && !stopped_;) {
    absl::StatusOr<HintStore::Page> page = co_await ReadPage(target, std::move(cursor), items_max);
    if (!page.ok()) {
      env_.tracer.Event(Severity::kWarning, "HintsUnreadable",
                        {{"target", uint64_t{target.value()}}, {"status", page.status().ToString()}});
      failed = true;
      break;
    }
    cursor = std::move(page->cursor);
    more = !page->done;
    items_max = options_.page_items;
    auto run = std::make_shared<PageRun>();
    const bool ended = co_await SendPage(*std::move(page), kind, run);
    failed = !ended || run->unreachable;
    left_some = left_some || run->left_some;
    if (oldest_left_ms == 0 || (run->oldest_left_ms != 0 && run->oldest_left_ms < oldest_left_ms)) {
      oldest_left_ms = run->oldest_left_ms;
    }
    if (!more && !failed) keeper_.shelf().EndPass(target, oldest_left_ms);
  }
  End(target, kind, failed, left_some);
}

Task<bool> HintDelivery::SendPage(HintStore::Page page, Kind kind, std::shared_ptr<PageRun> run) {
  for (auto& [key, hint] : page.items) {
    // The budget may let time pass, so the ring is asked for each.
    const Duration wait = budget_.Take(HintBytes(key, hint), env_.clock.Now());
    if (wait > Duration{0}) co_await SleepUntil(env_.executor, env_.clock.Now() + wait);
    if (run->unreachable || stopped_) break;
    HintRoute route = RouteOf(*ring_, key);
    if (route.fate == HintFate::kDrop) {
      Drop(std::move(key), ObjectDigest(hint.object), run);
    } else if (route.fate == HintFate::kDeliver && (route.redirected ? AllAlive(route) : kind != Kind::kRoutesOnly)) {
      Send(std::move(key), std::move(hint), std::move(route), run);
    } else {
      run->Leave(hint.stored_at_ms);
      if (route.redirected || route.fate == HintFate::kWait) run->left_some = true;
    }
  }
  run->all_sent = true;
  run->Check();
  CompleteAt late(env_.executor, run->done, env_.clock.Now() + options_.call_timeout + kStorePatience, false);
  co_return co_await run->done;
}

// P18: what is for nobody any more goes to the owners of today; who looks at the log knows why.
void HintDelivery::SayIfStranger(MemberId target) {
  if (ring_->state().FindMember(target) != nullptr) return;
  const auto pending = keeper_.shelf().pending().find(target);
  if (pending == keeper_.shelf().pending().end()) return;
  env_.tracer.Event(Severity::kWarning, "HintsForNoMember",
                    {{"target", uint64_t{target.value()}}, {"hints", pending->second.count}});
}

void HintDelivery::Send(HintKey key, StoredHint hint, HintRoute route, std::shared_ptr<PageRun> run) {
  ++run->open;
  auto item = std::make_shared<Item>();
  item->key = std::move(key);
  item->digest = ObjectDigest(hint.object);
  item->stored_at_ms = hint.stored_at_ms;
  item->redirected = route.redirected;
  item->missing = route.to.size();
  item->run = std::move(run);
  const MonotonicTime deadline = env_.clock.Now() + options_.call_timeout;
  for (MemberId to : route.to) {
    MergeRequest request{.key = item->key.record,
                         .epoch = ring_->Epoch(item->key.record.partition),
                         .object = hint.object,
                         .minter = std::nullopt,
                         .cause = MergeCause::kHint};
    if (to == options_.self) {
      replica_.Merge(std::move(request), [this, item, to](const absl::StatusOr<MergeReply>& reply) mutable {
        OnReply(std::move(item), to, reply.status());
      });
    } else {
      env_.transport.Call(to, std::move(request), deadline,
                          [this, item, to](const absl::StatusOr<PeerReply>& reply) mutable {
                            OnReply(std::move(item), to, reply.status());
                          });
    }
  }
}

void HintDelivery::OnReply(std::shared_ptr<Item> item, MemberId from, const absl::Status& status) {
  if (!status.ok()) {
    ++failures_;
    item->failed = true;
    if (IsUnreachable(status)) {
      item->run->unreachable = true;
    } else if (!IsStale(status)) {
      // This hint alone: it stays, is counted, and stands in nobody's way (H50).
      env_.tracer.Event(
          Severity::kError, "HintRefused",
          {{"by", uint64_t{from.value()}}, {"key_hash", Hash64(item->key.record.key)}, {"status", status.ToString()}});
    }
  }
  if (--item->missing > 0) return;
  if (item->failed) {
    item->run->Leave(item->stored_at_ms);
    item->run->left_some = true;
    item->run->CloseOne();
  } else {
    Remove(std::move(item));
  }
}

// All have it durably. One that was merged meanwhile stays, and goes in a later round (P16).
void HintDelivery::Remove(std::shared_ptr<Item> item) {
  HintKey key = item->key;
  keeper_.shelf().Remove(std::move(key), item->digest, [this, item](const absl::StatusOr<bool>& removed) {
    if (removed.ok()) {
      if (!*removed) item->run->Leave(item->stored_at_ms);
      ++delivered_;
      if (item->redirected) ++redirected_;
      const int64_t age_ms = env_.clock.WallNow().time_since_epoch().count() - item->stored_at_ms;
      if (*removed && age_ms > kOldHintMs) {
        env_.tracer.Event(Severity::kInfo, "OldHintDelivered",
                          {{"target", uint64_t{item->key.target.value()}}, {"age_s", age_ms / 1000}});
      }
      if (env_.tracer.Enabled(Severity::kDebug)) {
        env_.tracer.Event(Severity::kDebug, item->redirected ? "HintRedirected" : "HintDelivered",
                          {{"target", uint64_t{item->key.target.value()}}, {"stays", uint64_t{*removed ? 0u : 1u}}});
      }
    } else {
      item->run->unreachable = true;
    }
    item->run->CloseOne();
  });
}

void HintDelivery::Drop(HintKey key, uint64_t digest, std::shared_ptr<PageRun> run) {
  ++run->open;
  ++dropped_;
  env_.tracer.Event(Severity::kInfo, "HintDropped",
                    {{"target", uint64_t{key.target.value()}},
                     {"bucket", uint64_t{key.record.bucket.value()}},
                     {"key_hash", Hash64(key.record.key)}});
  keeper_.shelf().Remove(std::move(key), digest, [run](const absl::StatusOr<bool>& removed) {
    if (!removed.ok()) run->unreachable = true;
    run->CloseOne();
  });
}

}  // namespace henge
