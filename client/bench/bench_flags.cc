#include "client/bench/bench_flags.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace henge::bench {
namespace {

// "256" or "64-1024". Empty if all is well, else what is wrong, as the parser wants it.
std::string ParseValueSize(const std::string& text, ValueSize& size) {
  const std::vector<std::string> ends = absl::StrSplit(text, '-');
  if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &size.bytes_min) ||
      !absl::SimpleAtoi(ends.back(), &size.bytes_max)) {
    return absl::StrCat("'", text, "' is no size in bytes: use a number or a range such as 64-1024");
  }
  return "";
}

std::string CheckValueSize(const std::string& text) {
  ValueSize unused;
  return ParseValueSize(text, unused);
}

void DeclareWorkload(CLI::App& command, WorkloadOptions& workload) {
  command.add_option("--keys", workload.keys, "number of keys")->capture_default_str();
  command.add_option("--key-prefix", workload.key_prefix, "what every key starts with")->capture_default_str();
  const std::map<std::string, KeyPattern> patterns{
      {"uniform", KeyPattern::kUniform}, {"zipfian", KeyPattern::kZipfian}, {"latest", KeyPattern::kLatest}};
  command
      .add_option("--pattern", workload.pattern,
                  "how keys are chosen: uniform, zipfian, or latest (writes append, reads favour the newest)")
      ->transform(CLI::CheckedTransformer(patterns).description(""))
      ->default_str("uniform");
  command.add_option("--theta", workload.theta, "skew of zipfian and latest, below 1")->capture_default_str();
  command
      .add_option_function<std::string>(
          "--value-size",
          // The check has refused what can't be parsed.
          [&workload](const std::string& text) { ParseValueSize(text, workload.value_size); },
          "bytes, or a range such as 64-1024")
      ->check(CheckValueSize)
      ->default_str("256");
}

void DeclareLoad(CLI::App& command, BenchOptions& options) {
  command
      .add_option("--read-share", options.read_shares,
                  "shares of reads, 0 to 1, one stage for each; 0,1 measures puts, then gets")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--clients", options.clients,
                  "closed loop: numbers of logical clients with one request in flight each, one stage for each")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--rate", options.rate_ops_per_s,
                     "open loop: start this many requests per second; latency counts from the intended start");
  const std::map<std::string, ArrivalKind> arrivals{{"constant", ArrivalKind::kConstant},
                                                    {"poisson", ArrivalKind::kPoisson}};
  command.add_option("--arrivals", options.arrivals, "spacing of an open loop: constant or poisson")
      ->transform(CLI::CheckedTransformer(arrivals).description(""))
      ->default_str("constant");
  command.add_option("--in-flight-max", options.in_flight_max, "requests of an open loop at once")
      ->capture_default_str();
}

}  // namespace

void DeclareBenchFlags(CLI::App& command, BenchFlags& flags) {
  BenchOptions& options = flags.options;
  DeclareWorkload(command, options.workload);
  DeclareLoad(command, options);
  command.add_option("--warm-up", options.warm_up_s, "seconds before each stage that don't count")
      ->capture_default_str();
  CLI::Option* seconds =
      command.add_option("--seconds", options.seconds, "length of each stage")->capture_default_str();
  command.add_option("--ops", options.ops, "length of each stage in requests")->excludes(seconds);
  command.add_flag("--prefill,!--no-prefill", options.prefill, "write every key once before the first stage (default)");
  command.add_option("--prefill-clients", options.prefill_clients, "requests in flight meanwhile")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "the same seed chooses the same keys")->capture_default_str();
  command
      .add_option("--watch-pid", options.watch_pids,
                  "processes of this machine whose CPU time per request and memory are reported")
      ->delimiter(',');
  command.add_flag("--json", flags.json, "print JSON");
  command.add_flag("--announce", flags.announce, "print a line to stderr as each phase begins");
}

}  // namespace henge::bench
