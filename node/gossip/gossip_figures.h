// What the failure detector counts. A plain value.
#pragma once

#include <cstdint>

namespace henge {

struct GossipFigures {
  uint64_t probes = 0;
  uint64_t probes_failed = 0;
  uint64_t refutations = 0;
  uint64_t forged = 0;  // incarnations that nobody can have
  uint64_t calls_sent = 0;
  uint64_t calls_failed = 0;  // not answered, or not understood
  uint64_t bytes_sent = 0;    // calls and answers
  uint64_t bad_messages = 0;  // undecodable, of a later version, or of another cluster
  uint64_t stalls = 0;        // how often this process stood still for longer than a probe may take
  int health = 0;             // Lifeguard's local health: 0 is well
};

}  // namespace henge
