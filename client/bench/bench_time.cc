#include "client/bench/bench_time.h"

#include <sys/prctl.h>

#include <chrono>
#include <thread>

namespace henge::bench {
namespace {

class RealBenchTime : public BenchTime {
 public:
  int64_t NowNs() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void SleepUntil(int64_t deadline_ns) override {
    if (!slack_cut_) {
      // If it is refused, sleeps are only coarser.
      prctl(PR_SET_TIMERSLACK, 1);
      slack_cut_ = true;
    }
    std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)));
  }

 private:
  bool slack_cut_ = false;
};

}  // namespace

std::unique_ptr<BenchTime> MakeRealBenchTime() { return std::make_unique<RealBenchTime>(); }

}  // namespace henge::bench
