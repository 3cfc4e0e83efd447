// Gathers what one phase measured: per kind of operation a latency histogram and its failures.
//
// Written from the target's callback threads, striped by logical client so that threads seldom meet; read once they
// rest.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/bench/histogram.h"
#include "client/bench/target.h"
#include "client/bench/workload.h"

namespace henge::bench {

// Latencies are of operations that succeeded. A read of an absent key is a success and a miss.
struct OpStats {
  Histogram latency_ns;
  uint64_t in_window = 0;  // successes that ended before the window did
  uint64_t misses = 0;
  uint64_t errors = 0;
  std::map<std::string, uint64_t> errors_by_code;
  std::string first_error;

  void Merge(const OpStats& other);
};

struct PhaseStats {
  OpStats get;
  OpStats put;
  Histogram schedule_lag_ns;  // open loop: how late operations were started
  double window_s = 0;        // what in_window is to be divided by
};

class Recorder {
 public:
  // Operations that end after window_end_ns don't count towards throughput.
  Recorder(int stripes, int64_t window_end_ns);

  // `slot`: any number that is stable per logical client.
  void Record(uint32_t slot, OpKind kind, int64_t begun_ns, int64_t ended_ns, const OpOutcome& outcome);

  // When nothing is in flight.
  PhaseStats Collect() const;
  int64_t last_end_ns() const { return last_end_ns_.load(std::memory_order_relaxed); }
  // So far, for progress; from any thread.
  uint64_t completed() const;

 private:
  struct Stripe {
    mutable std::mutex mutex;
    std::array<OpStats, 2> stats;
    std::atomic<uint64_t> completed{0};
  };

  int64_t window_end_ns_;
  std::vector<std::unique_ptr<Stripe>> stripes_;
  std::atomic<int64_t> last_end_ns_{0};
};

}  // namespace henge::bench
