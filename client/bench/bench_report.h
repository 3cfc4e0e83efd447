// A benchmark's results as a table for people and as JSON for programs.
#pragma once

#include <ostream>
#include <string>

#include "client/bench/bench_run.h"

namespace henge::bench {

void WriteTable(const BenchReport& report, std::ostream& out);

// One object. Latencies are in microseconds; each stage has "put" and "get", null if it had none of that kind.
std::string ToJson(const BenchReport& report);

// The lines that a terminal shows on stderr while a benchmark runs; nothing if `enabled` is false.
BenchProgress TerminalProgress(std::ostream& err, bool enabled);
// One line as each phase begins.
BenchProgress LineProgress(std::ostream& err);
// Removes what TerminalProgress left on the line.
void ClearProgress(std::ostream& err, bool enabled);

}  // namespace henge::bench
