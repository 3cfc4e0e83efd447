#include "tests/sim/sim_trace.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "core/runtime/xoshiro.h"

namespace henge::sim {

uint64_t SimTrace::DigestOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void SimTrace::Mix(uint64_t value) {
  hash_ ^= value;
  hash_ = SplitMix64(&hash_);
}

void SimTrace::Add(SimTime now, std::string_view what, uint64_t a, uint64_t b, uint64_t c) {
  ++events_;
  Mix(static_cast<uint64_t>(now.time_since_epoch().count()));
  Mix(DigestOf(what));
  Mix(a);
  Mix(b);
  Mix(c);
  if (!show_) return;
  show_(std::to_string(now.time_since_epoch().count()) + " " + std::string(what) + " " + std::to_string(a) + " " +
        std::to_string(b) + " " + std::to_string(c));
}

void SimTrace::AddText(SimTime now, std::string_view what, uint64_t a, std::string_view text) {
  ++events_;
  Mix(static_cast<uint64_t>(now.time_since_epoch().count()));
  Mix(DigestOf(what));
  Mix(a);
  Mix(DigestOf(text));
  if (!show_) return;
  show_(std::to_string(now.time_since_epoch().count()) + " " + std::string(what) + " " + std::to_string(a) + " " +
        std::string(text));
}

}  // namespace henge::sim
