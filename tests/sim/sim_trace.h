// The fingerprint of a run: everything that happens is mixed into one hash. Two runs of one seed must give the same.
//
// When they don't, keep the lines of both and look for the first that differs: it names the event.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tests/sim/sim_time.h"

namespace henge::sim {

class SimTrace {
 public:
  // `what` is a constant name in PascalCase. Anything that can tell one run from another belongs into the numbers or
  // into `text`; never an address.
  void Add(SimTime now, std::string_view what, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0);
  void AddText(SimTime now, std::string_view what, uint64_t a, std::string_view text);

  uint64_t hash() const { return hash_; }
  uint64_t events() const { return events_; }

  // Shows each event as a line, from now on. Changes no hash.
  void ShowLines(std::function<void(const std::string&)> show) { show_ = std::move(show); }

  // 64 bits of a message or a file, to be given as a number.
  static uint64_t DigestOf(std::string_view bytes);

 private:
  void Mix(uint64_t value);

  uint64_t hash_ = 0;
  uint64_t events_ = 0;
  std::function<void(const std::string&)> show_;
};

}  // namespace henge::sim
