#include "client/bench/run_bench_on.h"

#include <algorithm>
#include <memory>

#include "client/bench/bench_report.h"

namespace henge::bench {

int RunBenchOn(BenchTarget& target, const BenchFlags& flags, std::ostream& out, std::ostream& err, bool progress) {
  constexpr int kOk = 0, kError = 1, kUsage = 2;
  const std::unique_ptr<BenchTime> time = MakeRealBenchTime();
  const absl::StatusOr<BenchReport> report =
      RunBench(flags.options, target, *time, flags.announce ? LineProgress(err) : TerminalProgress(err, progress));
  ClearProgress(err, progress && !flags.announce);
  if (!report.ok()) {
    err << "bench: " << report.status().message() << "\n";
    return absl::IsInvalidArgument(report.status()) ? kUsage : kError;
  }
  if (flags.json) {
    out << ToJson(*report) << "\n";
  } else {
    WriteTable(*report, out);
  }
  const bool all_worked = std::all_of(report->stages.begin(), report->stages.end(),
                                      [](const StageReport& stage) { return stage.ops() > 0; });
  return all_worked ? kOk : kError;
}

}  // namespace henge::bench
