#include "client/bench/henge_target.h"

#include <utility>

namespace henge::bench {

std::string HengeTarget::ContextTable::Take(uint64_t index) {
  const std::lock_guard lock(mutexes_[index % mutexes_.size()]);
  return std::exchange(contexts_[index], {});
}

void HengeTarget::ContextTable::Keep(uint64_t index, std::string context) {
  const std::lock_guard lock(mutexes_[index % mutexes_.size()]);
  contexts_[index] = std::move(context);
}

HengeTarget::HengeTarget(Client client, const HengeTargetOptions& options)
    : client_(std::move(client)), contexts_(options.keys) {
  call_options_.bucket = options.bucket;
  call_options_.quorum = options.quorum;
}

void HengeTarget::AsyncGet(uint64_t, std::string_view key, Done done) {
  client_.GetAsync(key, call_options_, [this, done = std::move(done)](absl::StatusOr<ReadResult> read) {
    if (!read.ok()) return done({read.status(), false});
    if (read->has_conflict()) conflicts_read_.fetch_add(1, std::memory_order_relaxed);
    if (read->facts.attempts > 1) retries_.fetch_add(1, std::memory_order_relaxed);
    if (read->facts.stale > 0) stale_replicas_.fetch_add(1, std::memory_order_relaxed);
    done({absl::OkStatus(), read->found()});
  });
}

void HengeTarget::AsyncPut(uint64_t index, std::string_view key, std::string_view value, Done done) {
  // Keys beyond the table are new ones that are written once.
  if (!contexts_.Covers(index)) return Put(index, key, value, {}, std::move(done));
  const std::string context = contexts_.Take(index);
  if (context.empty()) return ReadThenPut(index, key, value, std::move(done));
  Put(index, key, value, context, std::move(done));
}

void HengeTarget::ReadThenPut(uint64_t index, std::string_view key, std::string_view value, Done done) {
  context_reads_.fetch_add(1, std::memory_order_relaxed);
  client_.GetAsync(key, call_options_,
                   [this, index, key = std::string(key), value = std::string(value),
                    done = std::move(done)](absl::StatusOr<ReadResult> read) mutable {
                     if (!read.ok()) return done({read.status(), false});
                     Put(index, key, value, read->context, std::move(done));
                   });
}

void HengeTarget::Put(uint64_t index, std::string_view key, std::string_view value, std::string_view context,
                      Done done) {
  client_.PutAsync(key, value, context, call_options_, [this, index, done = std::move(done)](WriteResult written) {
    if (written.facts.attempts > 1) retries_.fetch_add(1, std::memory_order_relaxed);
    if (written.facts.fallbacks > 0) fallback_writes_.fetch_add(1, std::memory_order_relaxed);
    if (written.ok() && contexts_.Covers(index)) contexts_.Keep(index, std::move(written.context));
    done({std::move(written.status), true});
  });
}

std::vector<std::pair<std::string, uint64_t>> HengeTarget::TakeNotes() {
  return {{"reads for a context", context_reads_.exchange(0)},
          {"reads with several versions", conflicts_read_.exchange(0)},
          {"reads that met a stale replica", stale_replicas_.exchange(0)},
          {"writes with a fallback", fallback_writes_.exchange(0)},
          {"retried requests", retries_.exchange(0)}};
}

}  // namespace henge::bench
