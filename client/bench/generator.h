// Load generators: they run one phase of operations against a target and measure it.
//
// ClosedLoop: N logical clients, each with one operation in flight, started again from the callback of the one before:
// no
//   thread per client. It measures what N patient users see, and how much a system carries.
// OpenLoop: operations start at times set by a rate, whether or not the ones before have ended, and latency counts from
// the
//   intended start. A stall is seen by all operations that it delays (no coordinated omission).
//
// Run() blocks its thread until the last operation has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/bench/bench_time.h"
#include "client/bench/recorder.h"
#include "client/bench/target.h"
#include "client/bench/workload.h"

namespace henge::bench {

// A phase ends after `duration_ns` or after `ops` operations; exactly one of them is set.
struct PhaseLimit {
  int64_t duration_ns = 0;
  uint64_t ops = 0;
};

struct PhaseProgress {
  double done_share = 0;
  double ops_per_s = 0;
};

struct PhaseContext {
  BenchTarget& target;
  OpSource& ops;
  BenchTime& time;
  std::string key_prefix;
  uint64_t seed = 1;
  std::function<void(const PhaseProgress&)> progress;  // a few times a second, on the thread of Run(); may be empty
};

PhaseStats RunClosedLoop(const PhaseContext& context, const PhaseLimit& limit, uint32_t clients);

enum class ArrivalKind { kConstant, kPoisson };

struct OpenLoopOptions {
  double ops_per_s = 1000;
  ArrivalKind arrivals = ArrivalKind::kConstant;
  uint32_t in_flight_max = 16384;  // above it the next start waits; its latency still counts from the intended time
};

PhaseStats RunOpenLoop(const PhaseContext& context, const PhaseLimit& limit, const OpenLoopOptions& options);

// Intended start times, as offsets from the start of the phase; they never go back.
class ArrivalSchedule {
 public:
  ArrivalSchedule(ArrivalKind kind, double ops_per_s, uint64_t seed);
  int64_t NextNs();

 private:
  ArrivalKind kind_;
  double gap_ns_;
  Rng rng_;
  uint64_t number_ = 0;
  double at_ns_ = 0;
};

}  // namespace henge::bench
