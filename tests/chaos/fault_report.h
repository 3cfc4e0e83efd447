// A fault's report as text for people and as JSON for programs.
#pragma once

#include <string>

#include "tests/chaos/fault_run.h"

namespace henge::chaos {

// A line for each second with a bar for the throughput, then the verdict.
std::string ChartOf(const FaultReport& report);
// Each thing that is claimed, whether it holds, and the figures; ends with the line "verdict: ...".
std::string VerdictOf(const FaultReport& report);
// One JSON object.
std::string JsonOf(const FaultReport& report);

}  // namespace henge::chaos
