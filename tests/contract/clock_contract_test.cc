// What core/runtime/clock.h promises, of the system's clock and of the simulated one.
#include <thread>

#include "node/real/system_clock.h"
#include "tests/sim/sim_clock.h"

namespace henge::contract {
namespace {

using std::chrono::milliseconds;

class RealWorld {
 public:
  const Clock& clock() const { return clock_; }
  void Pass(Duration span) { std::this_thread::sleep_for(span); }

 private:
  SystemClock clock_;
};

class SimWorld {
 public:
  const Clock& clock() const { return clock_; }
  void Pass(Duration span) { scheduler_.RunFor(span); }

 private:
  sim::SimScheduler scheduler_{1};
  sim::SimClock clock_{scheduler_, {.wall_offset = std::chrono::seconds(3), .wall_drift = 1e-4}};
};

template <class World>
class ClockContractTest : public ::testing::Test {
 protected:
  World world_;
};
using Worlds = ::testing::Types<RealWorld, SimWorld>;
TYPED_TEST_SUITE(ClockContractTest, Worlds);

TYPED_TEST(ClockContractTest, MonotonicTimeNeverGoesBack) {
  MonotonicTime last = this->world_.clock().Now();
  for (int i = 0; i < 1000; ++i) {
    const MonotonicTime now = this->world_.clock().Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TYPED_TEST(ClockContractTest, BothTimesAdvanceByWhatPasses) {
  const MonotonicTime monotonic = this->world_.clock().Now();
  const WallTime wall = this->world_.clock().WallNow();
  this->world_.Pass(milliseconds(20));
  EXPECT_GE(this->world_.clock().Now() - monotonic, milliseconds(20));
  // The wall clock may be slewed while we look.
  EXPECT_GE(this->world_.clock().WallNow() - wall, milliseconds(15));
}

TYPED_TEST(ClockContractTest, WallTimeIsMillisecondsSinceTheUnixEpoch) {
  constexpr int64_t kYear2020 = 1'577'836'800'000;
  constexpr int64_t kYear2200 = 7'258'118'400'000;
  const int64_t now = this->world_.clock().WallNow().time_since_epoch().count();
  EXPECT_GT(now, kYear2020);
  EXPECT_LT(now, kYear2200);
}

}  // namespace
}  // namespace henge::contract
