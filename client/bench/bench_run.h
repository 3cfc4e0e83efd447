// One benchmark: prefill, then for each read share and each load a warm-up and a measured phase.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/bench/bench_time.h"
#include "client/bench/generator.h"
#include "client/bench/recorder.h"
#include "client/bench/target.h"
#include "client/bench/workload.h"

namespace henge::bench {

struct BenchOptions {
  WorkloadOptions workload;            // its read_share is set by each stage
  std::vector<double> read_shares{0};  // stages: each of these ...
  std::vector<uint32_t> clients{64};   // ... with each of these; ignored with a rate
  double rate_ops_per_s = 0;           // > 0: open loop
  ArrivalKind arrivals = ArrivalKind::kConstant;
  uint32_t in_flight_max = 16384;  // of the open loop
  double warm_up_s = 2;
  double seconds = 10;
  uint64_t ops = 0;  // > 0: instead of seconds
  bool prefill = true;
  uint32_t prefill_clients = 256;
  uint64_t seed = 1;
  std::vector<int> watch_pids;  // processes of this machine whose CPU time and memory each stage reports
};

// INVALID_ARGUMENT that names the option, its value and what it may be.
absl::Status ValidateBenchOptions(const BenchOptions& options);

struct WatchedProcess {
  int pid = 0;
  double cpu_s = 0;             // during the stage
  uint64_t resident_bytes = 0;  // at its end
};

struct StageReport {
  double read_share = 0;
  uint32_t clients = 0;       // closed loop
  double rate_ops_per_s = 0;  // open loop, else 0
  PhaseStats stats;
  double client_cpu_s = 0;
  std::vector<WatchedProcess> watched;
  std::vector<std::pair<std::string, uint64_t>> notes;

  uint64_t ops() const { return stats.get.latency_ns.count() + stats.put.latency_ns.count(); }
  uint64_t errors() const { return stats.get.errors + stats.put.errors; }
  double ops_per_s() const { return static_cast<double>(stats.get.in_window + stats.put.in_window) / stats.window_s; }
  double watched_cpu_s() const;
};

struct BenchReport {
  std::string target;
  BenchOptions options;
  StageReport prefill;  // without operations if there was none
  std::vector<StageReport> stages;
};

// `stage`: for example "put, 64 clients".
using BenchProgress = std::function<void(const std::string& stage, const PhaseProgress&)>;

// Blocks until all is done. Fails if the options are wrong, if a prefill write fails, or if a watched process is gone;
// operations that fail in a stage are counted in its report.
absl::StatusOr<BenchReport> RunBench(const BenchOptions& options, BenchTarget& target, BenchTime& time,
                                     const BenchProgress& progress);

}  // namespace henge::bench
