// Faults on real processes under load, as charts and verdicts.
//
//   henge-chaos [--fault kill|pause|isolate|split|partial|one-way|all] [--seconds N] [--clients N] [--keys N]
//               [--seed N] [--patience-ms N] [--json FILE]
//
// Five henged on loopback, a proxy on each link between them. A third of the seconds passes before the fault, half with
// it, the rest after the heal, under load all the time. With --patience-ms 0 the SDK stays with a silent node, as a
// client without that care would: what that costs shows under pause and isolate. Ends with 0 if all that is claimed
// held, with 1 if not, with 2 if it could not be tried.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "tests/chaos/fault_report.h"
#include "tests/chaos/fault_run.h"

namespace henge::chaos {
namespace {

constexpr int kSecondsMin = 12;
constexpr int kSecondsMax = 3600;
constexpr int kSecondsAfterMax = 10;

struct Options {
  std::vector<Fault> faults = AllFaults();
  int seconds = 60;
  FaultRunOptions run;
  std::string json_file;
};

bool Set(const std::string& flag, const std::string& value, Options* options) {
  if (flag == "--fault") {
    if (value == "all") return true;
    const std::optional<Fault> fault = FaultNamed(value);
    if (fault.has_value()) options->faults = {*fault};
    return fault.has_value();
  }
  if (flag == "--json") {
    options->json_file = value;
    return true;
  }
  int number = 0;
  if (!absl::SimpleAtoi(value, &number) || number < 0) return false;
  if (flag == "--patience-ms") {
    options->run.load.patience = Millis(number);
    return true;
  }
  if (number == 0) return false;
  if (flag == "--seconds") {
    options->seconds = number;
    return number >= kSecondsMin && number <= kSecondsMax;
  }
  if (flag == "--clients") {
    options->run.load.clients = number;
  } else if (flag == "--keys") {
    options->run.keys = number;
  } else if (flag == "--seed") {
    options->run.load.seed = static_cast<uint64_t>(number);
  } else {
    return false;
  }
  return true;
}

bool Parse(int argc, char** argv, Options* options) {
  if (argc % 2 == 0) return false;
  for (int i = 1; i < argc; i += 2) {
    if (!Set(argv[i], argv[i + 1], options)) return false;
  }
  const int after = std::min(options->seconds / 6, kSecondsAfterMax);
  options->run.during = std::chrono::seconds(options->seconds / 2);
  options->run.after = std::chrono::seconds(after);
  options->run.before = std::chrono::seconds(options->seconds - options->seconds / 2 - after);
  return true;
}

int RunAll(const Options& options) {
  bool good = true;
  std::vector<std::string> json;
  std::string summary;
  for (const Fault fault : options.faults) {
    FaultRunOptions run = options.run;
    run.fault = fault;
    const absl::StatusOr<FaultReport> report = RunFault(run);
    if (!report.ok()) {
      std::fprintf(stderr, "henge-chaos: fault %s: %s\n", std::string(NameOf(fault)).c_str(),
                   report.status().ToString().c_str());
      return 2;
    }
    const std::string verdict = VerdictOf(*report);
    std::printf("%s%s\n", ChartOf(*report).c_str(), verdict.c_str());
    std::fflush(stdout);
    summary += verdict;
    json.push_back(JsonOf(*report));
    good &= report->safe() && (report->ops_detected == 0 || report->flat());
  }
  if (options.faults.size() > 1) std::printf("all faults:\n%s", summary.c_str());
  if (!options.json_file.empty()) {
    std::ofstream file(options.json_file);
    file << "[" << absl::StrJoin(json, ",\n") << "]\n";
    if (!file.flush()) {
      std::fprintf(stderr, "henge-chaos: can't write %s\n", options.json_file.c_str());
      return 2;
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace henge::chaos

int main(int argc, char** argv) {
  henge::chaos::Options options;
  if (!henge::chaos::Parse(argc, argv, &options)) {
    std::fprintf(stderr,
                 "usage: henge-chaos [--fault kill|pause|isolate|split|partial|one-way|all] [--seconds 12..3600]\n"
                 "                   [--clients N] [--keys N] [--seed N] [--patience-ms N] [--json FILE]\n");
    return 2;
  }
  return henge::chaos::RunAll(options);
}
