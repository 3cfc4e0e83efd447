#include "client/bench/bench_report.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace henge::bench {
namespace {

using Json = nlohmann::ordered_json;

struct NamedPercentile {
  const char* name;
  double percent;
};
constexpr std::array kPercentiles{NamedPercentile{"p50", 50},     NamedPercentile{"p90", 90},
                                  NamedPercentile{"p95", 95},     NamedPercentile{"p99", 99},
                                  NamedPercentile{"p99.9", 99.9}, NamedPercentile{"p99.99", 99.99}};

double Micros(double nanos) { return nanos / 1e3; }

Json LatencyJson(const Histogram& latency_ns) {
  Json json;
  json["min"] = Micros(static_cast<double>(latency_ns.min()));
  json["mean"] = Micros(latency_ns.mean());
  for (const NamedPercentile& p : kPercentiles) {
    json[p.name] = Micros(static_cast<double>(latency_ns.Percentile(p.percent)));
  }
  json["max"] = Micros(static_cast<double>(latency_ns.max()));
  return json;
}

Json OpsJson(const OpStats& stats, double window_s) {
  if (stats.latency_ns.count() == 0 && stats.errors == 0) return nullptr;
  Json json;
  json["ops"] = stats.latency_ns.count();
  json["ops_per_s"] = static_cast<double>(stats.in_window) / window_s;
  json["latency_us"] = LatencyJson(stats.latency_ns);
  json["misses"] = stats.misses;
  json["errors"] = stats.errors;
  json["errors_by_code"] = stats.errors_by_code;
  if (stats.errors > 0) json["first_error"] = stats.first_error;
  return json;
}

double PerOpUs(double cpu_s, const StageReport& stage) {
  return stage.ops() == 0 ? 0 : cpu_s * 1e6 / static_cast<double>(stage.ops());
}

Json StageJson(const StageReport& stage) {
  Json json;
  json["loop"] = stage.rate_ops_per_s > 0 ? "open" : "closed";
  json["clients"] = stage.clients;
  json["rate"] = stage.rate_ops_per_s;
  json["read_share"] = stage.read_share;
  json["seconds"] = stage.stats.window_s;
  json["ops_per_s"] = stage.ops_per_s();
  json["put"] = OpsJson(stage.stats.put, stage.stats.window_s);
  json["get"] = OpsJson(stage.stats.get, stage.stats.window_s);
  if (stage.rate_ops_per_s > 0) json["schedule_lag_us"] = LatencyJson(stage.stats.schedule_lag_ns);
  json["client_cpu_us_per_op"] = PerOpUs(stage.client_cpu_s, stage);
  if (!stage.watched.empty()) json["watched_cpu_us_per_op"] = PerOpUs(stage.watched_cpu_s(), stage);
  Json watched = Json::array();
  for (const WatchedProcess& process : stage.watched) {
    watched.push_back({{"pid", process.pid}, {"cpu_s", process.cpu_s}, {"resident_bytes", process.resident_bytes}});
  }
  json["watched"] = std::move(watched);
  Json notes = Json::object();
  for (const auto& [name, count] : stage.notes) notes[name] = count;
  json["notes"] = std::move(notes);
  return json;
}

void WriteRow(const StageReport& stage, std::string_view op, const OpStats& stats, std::ostream& out) {
  if (stats.latency_ns.count() == 0 && stats.errors == 0) return;
  const std::string load =
      stage.rate_ops_per_s > 0 ? absl::StrFormat("%.0f/s", stage.rate_ops_per_s) : absl::StrCat(stage.clients);
  out << absl::StreamFormat("%-4s %9s %11.0f", op, load, static_cast<double>(stats.in_window) / stage.stats.window_s);
  const auto micros = [&out](double nanos) { out << absl::StreamFormat(" %9.0f", Micros(nanos)); };
  micros(stats.latency_ns.mean());
  for (const NamedPercentile& p : kPercentiles) micros(static_cast<double>(stats.latency_ns.Percentile(p.percent)));
  micros(static_cast<double>(stats.latency_ns.max()));
  out << absl::StreamFormat(" %8d\n", stats.errors);
}

void WriteRemarks(const StageReport& stage, std::ostream& out) {
  for (const OpStats* stats : {&stage.stats.put, &stage.stats.get}) {
    if (stats->errors > 0) out << "     first error: " << stats->first_error << "\n";
    if (stats->misses > 0) out << "     " << stats->misses << " reads found no value\n";
  }
  for (const auto& [name, count] : stage.notes) {
    if (count > 0) out << "     " << name << ": " << count << "\n";
  }
  if (stage.rate_ops_per_s > 0) {
    out << absl::StreamFormat("     starts were late by %.0f us (p99), %.0f us at most\n",
                              Micros(static_cast<double>(stage.stats.schedule_lag_ns.Percentile(99))),
                              Micros(static_cast<double>(stage.stats.schedule_lag_ns.max())));
  }
  out << absl::StreamFormat("     CPU: client %.1f us/op", PerOpUs(stage.client_cpu_s, stage));
  if (!stage.watched.empty()) {
    out << absl::StreamFormat(", watched processes %.1f us/op", PerOpUs(stage.watched_cpu_s(), stage));
  }
  out << "\n";
}

}  // namespace

void WriteTable(const BenchReport& report, std::ostream& out) {
  const WorkloadOptions& workload = report.options.workload;
  out << report.target << ": " << workload.keys << " keys, " << KeyPatternName(workload.pattern) << ", values of "
      << workload.value_size.bytes_min;
  if (workload.value_size.bytes_max != workload.value_size.bytes_min) out << " to " << workload.value_size.bytes_max;
  out << " bytes\n";
  if (report.prefill.ops() > 0) {
    out << absl::StreamFormat("prefill: %d puts, %.1f s\n", report.prefill.ops(), report.prefill.stats.window_s);
  }
  out << absl::StreamFormat("\n%-4s %9s %11s %9s %9s %9s %9s %9s %9s %9s %9s %8s\n", "op",
                            report.options.rate_ops_per_s > 0 ? "rate" : "clients", "ops/s", "mean us", "p50", "p90",
                            "p95", "p99", "p99.9", "p99.99", "max", "errors");
  for (const StageReport& stage : report.stages) {
    WriteRow(stage, "put", stage.stats.put, out);
    WriteRow(stage, "get", stage.stats.get, out);
    WriteRemarks(stage, out);
  }
}

std::string ToJson(const BenchReport& report) {
  const BenchOptions& options = report.options;
  Json json;
  json["target"] = report.target;
  json["keys"] = options.workload.keys;
  json["pattern"] = KeyPatternName(options.workload.pattern);
  json["theta"] = options.workload.theta;
  json["value_bytes_min"] = options.workload.value_size.bytes_min;
  json["value_bytes_max"] = options.workload.value_size.bytes_max;
  json["warm_up_s"] = options.warm_up_s;
  json["seed"] = options.seed;
  json["prefill"] = report.prefill.ops() > 0 ? StageJson(report.prefill) : Json(nullptr);
  json["stages"] = Json::array();
  for (const StageReport& stage : report.stages) json["stages"].push_back(StageJson(stage));
  // Error texts may carry bytes of the other side; they must not fail the report.
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

BenchProgress TerminalProgress(std::ostream& err, bool enabled) {
  if (!enabled) return nullptr;
  return [&err](const std::string& stage, const PhaseProgress& progress) {
    err << absl::StreamFormat("\r%s: %3.0f %%, %.0f ops/s \x1b[K", stage, progress.done_share * 100, progress.ops_per_s)
        << std::flush;
  };
}

BenchProgress LineProgress(std::ostream& err) {
  return [&err, last = std::string()](const std::string& stage, const PhaseProgress&) mutable {
    if (stage == last) return;
    last = stage;
    err << stage << std::endl;
  };
}

void ClearProgress(std::ostream& err, bool enabled) {
  if (enabled) err << "\r\x1b[K" << std::flush;
}

}  // namespace henge::bench
