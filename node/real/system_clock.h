// The clocks of the operating system.
#pragma once

#include "core/runtime/clock.h"

namespace henge {

// Thread-safe, stateless.
class SystemClock final : public Clock {
 public:
  MonotonicTime Now() const override;
  WallTime WallNow() const override;
};

}  // namespace henge
