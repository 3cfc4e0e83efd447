// Read, change, write with what was read; again while another writer comes between.
#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/impl.h"

namespace henge {
namespace {

constexpr int kRoundsMax = 32;
constexpr sdk::SteadyDuration kPauseMax = std::chrono::milliseconds(20);

WriteResult Failed(absl::Status status, Outcome outcome) {
  WriteResult result;
  result.status = std::move(status);
  result.outcome = outcome;
  return result;
}

// The options of one step: the time that is left of the whole.
CallOptions Remaining(const CallOptions& options, sdk::SteadyTime deadline) {
  CallOptions step = options;
  step.timeout = std::chrono::duration_cast<Millis>(deadline - sdk::SteadyClock::now());
  return step;
}

// Concurrent versions become one if there is a resolver.
absl::Status Resolve(const Resolver& resolver, ReadResult& read) {
  if (resolver == nullptr || !read.has_conflict()) return absl::OkStatus();
  absl::StatusOr<std::string> value = resolver(read.values);
  if (!value.ok()) return value.status();
  read.values.assign(1, *std::move(value));
  return absl::OkStatus();
}

}  // namespace

WriteResult Client::Update(std::string_view key, std::function<Change(const ReadResult&)> fn, Resolver resolver,
                           CallOptions options) {
  sdk::SteadyTime deadline = impl_->DeadlineOf(options.timeout);
  Outcome outcome = Outcome::kNotApplied;
  for (int round = 0; round < kRoundsMax; ++round) {
    absl::StatusOr<ReadResult> read = Get(key, Remaining(options, deadline));
    if (!read.ok()) return Failed(read.status(), outcome);
    if (absl::Status status = Resolve(resolver, *read); !status.ok()) return Failed(std::move(status), outcome);
    Change change = fn(*read);
    if (change.kind == Change::Kind::kNothing) {
      WriteResult result = Failed(absl::OkStatus(), outcome);
      result.context = std::move(read->context);
      result.siblings = static_cast<uint32_t>(read->values.size());
      result.facts = read->facts;
      return result;
    }
    CallOptions step = Remaining(options, deadline);
    WriteResult result = change.kind == Change::Kind::kDelete ? Delete(key, read->context, step)
                                                              : Put(key, change.value, read->context, step);
    uint32_t versions_wanted = change.kind == Change::Kind::kDelete ? 0 : 1;
    if (!result.ok() || result.siblings <= versions_wanted) {
      // An earlier round's write stands, whatever became of this one.
      if (outcome == Outcome::kApplied && result.outcome == Outcome::kNotApplied) result.outcome = outcome;
      return result;
    }
    outcome = Outcome::kApplied;
    // Writers that met once would go on meeting if they all came back at once.
    sdk::SteadyDuration pause_max =
        std::min<sdk::SteadyDuration>(std::chrono::milliseconds(1) * (round + 1), kPauseMax);
    std::this_thread::sleep_for(sdk::SteadyDuration(impl_->engine().random().Next() % pause_max.count()));
  }
  return Failed(absl::AbortedError(absl::StrCat("other writers came between ", kRoundsMax,
                                                " times; the last write stands beside theirs: read the key, or pass a "
                                                "resolver and try again")),
                outcome);
}

}  // namespace henge
