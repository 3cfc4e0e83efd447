// Time as the load generators see it, so that tests can drive them through virtual time.
#pragma once

#include <cstdint>
#include <memory>

namespace henge::bench {

class BenchTime {
 public:
  virtual ~BenchTime() = default;

  // Monotonic; callable from any thread.
  virtual int64_t NowNs() = 0;
  // Blocks the thread that runs a phase until NowNs() >= deadline_ns.
  virtual void SleepUntil(int64_t deadline_ns) = 0;
};

// The machine's monotonic clock. Sleeps are cut to the kernel's finest timer slack: an open loop must not be late by
// default slack of 50 us.
std::unique_ptr<BenchTime> MakeRealBenchTime();

}  // namespace henge::bench
