#include "tests/chaos/fault_report.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace henge::chaos {
namespace {

constexpr size_t kBarWidth = 50;
constexpr size_t kExamplesMax = 10;

std::string MarkOf(const FaultReport& report, int second) {
  if (second == report.fault_at) return "fault";
  if (second == report.heal_at) return "heal";
  return second > report.fault_at && second < report.heal_at ? "|" : "";
}

std::string LineOf(const char* claim, bool holds, const std::string& figures) {
  return absl::StrFormat("  %-4s %-44s %s\n", holds ? "ok" : "FAIL", claim, figures);
}

// `text` as a JSON string.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

}  // namespace

std::string ChartOf(const FaultReport& report) {
  uint64_t most = 1;
  for (const SecondRow& row : report.rows) most = std::max(most, row.ok);
  std::string out = absl::StrFormat("%6s %8s %8s %8s %9s %6s %6s  %-5s  %s\n", "second", "ops/s", "p50 ms", "p99 ms",
                                    "max ms", "lost w", "lost r", "", "each # is 2 % of the most");
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const SecondRow& row = report.rows[i];
    absl::StrAppendFormat(&out, "%6d %8d %8.2f %8.2f %9.1f %6d %6d  %-5s  %s\n", i, row.ok, row.p50_ms, row.p99_ms,
                          row.max_ms, row.failed_writes, row.failed_reads, MarkOf(report, static_cast<int>(i)),
                          std::string(row.ok * kBarWidth / most, '#'));
  }
  return out;
}

std::string VerdictOf(const FaultReport& report) {
  std::string out = absl::StrCat("fault ", std::string(NameOf(report.fault)), " from second ", report.fault_at, " to ",
                                 report.heal_at, "\n");
  out += LineOf("no acked write lost, nothing came back", report.violations.empty(),
                absl::StrCat(report.acked, " acked, ", report.unknown, " of unknown outcome, ",
                             report.violations.size(), " violations"));
  out += LineOf("no sloppy write failed", report.failed_writes() == 0,
                absl::StrCat(report.failed_writes(), " writes and ", report.failed_reads(), " reads failed"));
  out += LineOf("converged, hints drained, trees equal", report.convergence.ok(),
                report.convergence.ok() ? absl::StrFormat("%.1f s after the heal; %d hints were stored",
                                                          report.converged_s, report.hints_stored)
                                        : std::string(report.convergence.message()));
  if (report.ops_detected > 0) {
    out += LineOf("80 % of the throughput after detection", report.flat(),
                  absl::StrFormat("%.0f ops/s before, %.0f after (%.0f %%; worst second %d); "
                                  "p99 %.1f ms before, %.1f after; longest call after %.0f ms",
                                  report.ops_before, report.ops_detected, 100 * report.ratio(), report.ops_detected_min,
                                  report.p99_before_ms, report.p99_detected_ms, report.max_detected_ms));
  }
  for (size_t i = 0; i < std::min(kExamplesMax, report.violations.size()); ++i) {
    absl::StrAppend(&out, "       ", report.violations[i].invariant, " ", report.violations[i].what, "\n");
  }
  for (size_t i = 0; i < std::min(kExamplesMax, report.failures.size()); ++i) {
    const FailedCall& call = report.failures[i];
    absl::StrAppendFormat(&out, "       %s failed at %.2f s after %.2f s: %s\n", call.write ? "write" : "read",
                          call.at_s, call.took_s, call.why);
  }
  const bool good = report.safe() && (report.ops_detected == 0 || report.flat());
  return out + "verdict: " + (good ? "holds" : "does NOT hold") + "\n";
}

std::string JsonOf(const FaultReport& report) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    const SecondRow& row = report.rows[i];
    rows.push_back(absl::StrFormat(
        R"(    {"second": %d, "ok": %d, "failed_writes": %d, "failed_reads": %d, "p50_ms": %.3f, "p99_ms": %.3f, )"
        R"("max_ms": %.3f})",
        i, row.ok, row.failed_writes, row.failed_reads, row.p50_ms, row.p99_ms, row.max_ms));
  }
  return absl::StrFormat(
      R"({"fault": %s, "fault_at_s": %d, "heal_at_s": %d, "load_until_s": %d,
  "ops_before": %.0f, "ops_detected": %.0f, "ops_detected_min": %d, "ratio": %.3f,
  "p99_before_ms": %.3f, "p99_detected_ms": %.3f, "max_detected_ms": %.3f,
  "acked_writes": %d, "unknown_writes": %d, "failed_writes": %d, "failed_reads": %d,
  "hints_stored": %d, "converged": %s, "converged_after_s": %.1f, "not_converged_because": %s,
  "violations": %d,
  "seconds": [
%s
  ]})",
      Quoted(NameOf(report.fault)), report.fault_at, report.heal_at, report.load_until, report.ops_before,
      report.ops_detected, report.ops_detected_min, report.ratio(), report.p99_before_ms, report.p99_detected_ms,
      report.max_detected_ms, report.acked, report.unknown, report.failed_writes(), report.failed_reads(),
      report.hints_stored, report.convergence.ok() ? "true" : "false", report.converged_s,
      Quoted(std::string(report.convergence.message())), report.violations.size(), absl::StrJoin(rows, ",\n"));
}

}  // namespace henge::chaos
