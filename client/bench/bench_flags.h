// The command line of a benchmark, the same for every target.
#pragma once

#include <CLI/CLI.hpp>

#include "client/bench/bench_run.h"

namespace henge::bench {

struct BenchFlags {
  BenchOptions options;
  bool json = false;
  bool announce = false;  // a line on stderr as each phase begins, for programs that follow along
};

// Declares the options on `command`. Their values land in `flags`, which must outlive the parsing; wrong ones are usage
// errors of the parser.
void DeclareBenchFlags(CLI::App& command, BenchFlags& flags);

}  // namespace henge::bench
