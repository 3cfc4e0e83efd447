#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "client/bench/generator.h"
#include "client/bench/phase_watch.h"

namespace henge::bench {
namespace {

class OpenLoop {
 public:
  OpenLoop(const PhaseContext& context, const PhaseLimit& limit, const OpenLoopOptions& options, int64_t start_ns)
      : context_(context),
        limit_(limit),
        start_ns_(start_ns),
        recorder_(kRecorderStripes, WindowEndNs(limit, start_ns)),
        schedule_(options.arrivals, options.ops_per_s, context.seed),
        rng_(context.seed + 1),
        slots_(options.in_flight_max),
        free_(options.in_flight_max) {
    for (uint32_t i = 0; i < options.in_flight_max; ++i) free_[i] = i;
  }

  void Run(PhaseWatch& watch) {
    for (uint64_t number = 0; limit_.ops == 0 || number < limit_.ops; ++number) {
      const int64_t offset_ns = schedule_.NextNs();
      if (limit_.duration_ns > 0 && offset_ns >= limit_.duration_ns) break;
      const int64_t intended_ns = start_ns_ + offset_ns;
      if (context_.time.NowNs() < intended_ns) context_.time.SleepUntil(intended_ns);
      std::optional<uint32_t> slot;
      watch.Await(kPlacePollNs, [&] { return (slot = TakeSlot()).has_value(); });
      lag_ns_.Record(context_.time.NowNs() - intended_ns);
      Start(*slot, intended_ns);
      watch.Tick();
    }
    watch.Await(kEndPollNs, [this] { return Rests(); });
  }

  PhaseStats Finish() const {
    PhaseStats stats = FinishPhase(recorder_, limit_, start_ns_);
    stats.schedule_lag_ns = lag_ns_;
    return stats;
  }
  const Recorder& recorder() const { return recorder_; }

 private:
  struct Slot {
    OpKind kind = OpKind::kGet;
    int64_t intended_ns = 0;
  };

  std::optional<uint32_t> TakeSlot() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::nullopt;
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  bool Rests() {
    const std::lock_guard lock(mutex_);
    return free_.size() == slots_.size();
  }

  void Start(uint32_t number, int64_t intended_ns) {
    const Op op = context_.ops.Next(rng_);
    const std::string key = KeyName(context_.key_prefix, op.index);
    slots_[number] = {op.kind, intended_ns};
    auto done = [this, number](OpOutcome outcome) { End(number, outcome); };
    if (op.kind == OpKind::kGet) {
      context_.target.AsyncGet(op.index, key, std::move(done));
    } else {
      context_.target.AsyncPut(op.index, key, op.value, std::move(done));
    }
  }

  void End(uint32_t number, const OpOutcome& outcome) {
    const Slot& slot = slots_[number];
    recorder_.Record(number, slot.kind, slot.intended_ns, context_.time.NowNs(), outcome);
    const std::lock_guard lock(mutex_);
    free_.push_back(number);
  }

  const PhaseContext& context_;
  const PhaseLimit& limit_;
  const int64_t start_ns_;
  Recorder recorder_;
  ArrivalSchedule schedule_;
  Rng rng_;
  Histogram lag_ns_;
  std::vector<Slot> slots_;

  std::mutex mutex_;
  std::vector<uint32_t> free_;  // guarded by mutex_; never grows past its first size
};

}  // namespace

ArrivalSchedule::ArrivalSchedule(ArrivalKind kind, double ops_per_s, uint64_t seed)
    : kind_(kind), gap_ns_(1e9 / ops_per_s), rng_(seed) {}

int64_t ArrivalSchedule::NextNs() {
  // By multiplication: a sum of rounded gaps would drift away from the rate.
  if (kind_ == ArrivalKind::kConstant) return std::llround(static_cast<double>(number_++) * gap_ns_);
  at_ns_ += -std::log(1 - rng_.Fraction()) * gap_ns_;
  return std::llround(at_ns_);
}

PhaseStats RunOpenLoop(const PhaseContext& context, const PhaseLimit& limit, const OpenLoopOptions& options) {
  const int64_t start_ns = context.time.NowNs();
  OpenLoop loop(context, limit, options, start_ns);
  PhaseWatch watch(context, limit, loop.recorder(), start_ns);
  loop.Run(watch);
  return loop.Finish();
}

}  // namespace henge::bench
