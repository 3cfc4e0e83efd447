// The seam to time.
#pragma once

#include "core/model/time.h"

namespace henge {

// Thread-safe. Timeouts use Now(); stamps that leave the node use WallNow(). Never mixed.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

}  // namespace henge
