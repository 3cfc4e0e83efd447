#include "node/stamp_reserve.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/hlc.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

constexpr int64_t kLeadMs = 10'000;

std::string NameOf(int shard) { return absl::StrCat("hlc-ceiling-", shard); }

// So far ahead that the ceiling is seldom written; not so far that the next run's clock is itself too far ahead.
uint64_t CeilingFor(uint64_t stamp, int64_t wall_ms) {
  const uint64_t ahead = stamp + HybridClock::FromWall(kLeadMs);
  return std::max(stamp, std::min(ahead, HybridClock::FromWall(std::max<int64_t>(wall_ms, 0) + kHlcAheadMaxMs)));
}

}  // namespace

StampReserve::StampReserve(int shard, StoreEngine& engine, Executor& loop)
    : name_(NameOf(shard)), engine_(engine), loop_(loop), alive_(std::make_shared<bool>(true)) {}

void StampReserve::Reserve(uint64_t stamp, int64_t wall_ms, Done done) {
  waiting_.push_back({stamp, wall_ms, std::move(done)});
  if (!writing_) Write();
}

void StampReserve::KeepAhead(uint64_t stamp, int64_t wall_ms) {
  if (writing_ || stamp + HybridClock::FromWall(kLeadMs / 2) <= ceiling_) return;
  if (CeilingFor(stamp, wall_ms) <= ceiling_) return;
  Reserve(ceiling_ + 1, wall_ms, [](const absl::Status&) {});
}

void StampReserve::Write() {
  uint64_t ceiling = ceiling_;
  for (const Waiting& one : waiting_) ceiling = std::max(ceiling, CeilingFor(one.stamp, one.wall_ms));
  std::string bytes;
  ByteWriter(&bytes).Fixed64(ceiling);
  writing_ = true;
  engine_.CommitMeta(name_, std::move(bytes), loop_,
                     [this, ceiling, alive = std::weak_ptr<bool>(alive_)](absl::Status status) {
                       if (!alive.expired()) OnWritten(ceiling, std::move(status));
                     });
}

void StampReserve::OnWritten(uint64_t ceiling, absl::Status status) {
  writing_ = false;
  if (status.ok()) ceiling_ = ceiling;
  std::vector<Done> ready;
  std::erase_if(waiting_, [&](Waiting& one) {
    const bool answered = !status.ok() || Covers(one.stamp);
    if (answered) ready.push_back(std::move(one.done));
    return answered;
  });
  if (!waiting_.empty()) Write();
  for (Done& done : ready) done(status);
}

absl::StatusOr<uint64_t> ReadStampFloor(StoreEngine& engine, int64_t wall_ms, Tracer& tracer) {
  uint64_t floor = 0;
  for (int shard = 0; shard < kStampCeilingsMax; ++shard) {
    HENGE_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, engine.ReadMeta(NameOf(shard)));
    if (!bytes.has_value()) continue;
    ByteReader in(*bytes);
    const uint64_t ceiling = in.Fixed64();
    if (!in.AtEnd())
      return absl::DataLossError("the data directory's note of its clock is broken: restore the directory");
    if (HybridClock::TooFarAhead(ceiling, wall_ms)) {
      tracer.Event(Severity::kWarning, "StampFloorIgnored", {{"floor", ceiling}});
      continue;
    }
    floor = std::max(floor, ceiling);
  }
  return floor;
}

}  // namespace henge
