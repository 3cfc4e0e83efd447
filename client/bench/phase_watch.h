// Keeps the thread of a phase asleep until the phase's operations have ended, and reports progress meanwhile.
#pragma once

#include <algorithm>
#include <cstdint>

#include "client/bench/generator.h"

namespace henge::bench {

// How often the end of a phase is looked for, and a free place among the operations in flight.
inline constexpr int64_t kEndPollNs = 20'000'000;
inline constexpr int64_t kPlacePollNs = 1'000'000;

class PhaseWatch {
 public:
  PhaseWatch(const PhaseContext& context, const PhaseLimit& limit, const Recorder& recorder, int64_t start_ns)
      : context_(context), limit_(limit), recorder_(recorder), start_ns_(start_ns), reported_ns_(start_ns) {
    if (context.progress) context.progress({0, 0});
  }

  // Reports if the last report is old enough.
  void Tick() {
    constexpr int64_t kReportEveryNs = 250'000'000;
    const int64_t now = context_.time.NowNs();
    if (!context_.progress || now - reported_ns_ < kReportEveryNs) return;
    const auto completed = static_cast<double>(recorder_.completed());
    const double share = limit_.duration_ns > 0
                             ? static_cast<double>(now - start_ns_) / static_cast<double>(limit_.duration_ns)
                             : completed / static_cast<double>(limit_.ops);
    const double rate = (completed - reported_ops_) * 1e9 / static_cast<double>(now - reported_ns_);
    context_.progress({std::min(1.0, share), rate});
    reported_ns_ = now;
    reported_ops_ = completed;
  }

  // Looks every `poll_ns`: each look costs what is measured a little of the processor.
  template <typename Finished>
  void Await(int64_t poll_ns, const Finished& finished) {
    while (!finished()) {
      context_.time.SleepUntil(context_.time.NowNs() + poll_ns);
      Tick();
    }
  }

 private:
  const PhaseContext& context_;
  const PhaseLimit& limit_;
  const Recorder& recorder_;
  int64_t start_ns_;
  int64_t reported_ns_;
  double reported_ops_ = 0;
};

inline constexpr int kRecorderStripes = 8;

// The statistics of a phase that began at start_ns, with the window that throughput is measured over: the set duration,
// or with a number of operations the time until the last one ended.
inline PhaseStats FinishPhase(const Recorder& recorder, const PhaseLimit& limit, int64_t start_ns) {
  PhaseStats stats = recorder.Collect();
  const int64_t window_ns = limit.duration_ns > 0 ? limit.duration_ns : recorder.last_end_ns() - start_ns;
  stats.window_s = static_cast<double>(std::max<int64_t>(1, window_ns)) / 1e9;
  return stats;
}

// Until when completions count towards throughput.
inline int64_t WindowEndNs(const PhaseLimit& limit, int64_t start_ns) {
  return limit.duration_ns > 0 ? start_ns + limit.duration_ns : INT64_MAX;
}

}  // namespace henge::bench
