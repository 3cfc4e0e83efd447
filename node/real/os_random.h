// Chance, seeded by the operating system: two processes, and two loops of one process, never share a stream.
#pragma once

#include "core/runtime/xoshiro.h"

namespace henge {

// Loop-affine, like every Random: make one per loop.
class OsRandom final : public Xoshiro {
 public:
  OsRandom();
};

}  // namespace henge
