// Runs a benchmark from parsed flags and prints it.
#pragma once

#include <ostream>

#include "client/bench/bench_flags.h"
#include "client/bench/target.h"

namespace henge::bench {

// Results go to `out`, errors to `err`, and progress too if `progress` (err is a terminal). Returns the process's exit
// status: 0, or 2 for wrong options, or 1 if the prefill fails or a stage has no success.
int RunBenchOn(BenchTarget& target, const BenchFlags& flags, std::ostream& out, std::ostream& err, bool progress);

}  // namespace henge::bench
