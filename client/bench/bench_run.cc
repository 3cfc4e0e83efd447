#include "client/bench/bench_run.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/bench/process_usage.h"
#include "core/model/limits.h"

namespace henge::bench {
namespace {

std::string MixName(double read_share) {
  if (read_share <= 0) return "put";
  if (read_share >= 1) return "get";
  return absl::StrCat(read_share * 100, "% get");
}

// CPU time and memory of this process and the watched ones between two points.
class UsageSpan {
 public:
  absl::Status Begin(const std::vector<int>& pids) {
    pids_ = {0};
    pids_.insert(pids_.end(), pids.begin(), pids.end());
    for (int pid : pids_) {
      absl::StatusOr<ProcessUsage> usage = ReadProcessUsage(pid);
      if (!usage.ok()) return usage.status();
      begun_.push_back(usage->cpu_s);
    }
    return absl::OkStatus();
  }
  absl::Status End(StageReport& report) const {
    for (size_t i = 0; i < pids_.size(); ++i) {
      absl::StatusOr<ProcessUsage> usage = ReadProcessUsage(pids_[i]);
      if (!usage.ok()) return usage.status();
      if (i == 0) {
        report.client_cpu_s = usage->cpu_s - begun_[i];
      } else {
        report.watched.push_back({pids_[i], usage->cpu_s - begun_[i], usage->resident_bytes});
      }
    }
    return absl::OkStatus();
  }

 private:
  std::vector<int> pids_;
  std::vector<double> begun_;
};

class BenchRun {
 public:
  BenchRun(const BenchOptions& options, BenchTarget& target, BenchTime& time, const BenchProgress& progress)
      : options_(options),
        target_(target),
        time_(time),
        progress_(progress),
        values_(options.workload.value_size, options.seed),
        keys_(MakeKeyDistribution(options.workload.pattern, options.workload.keys, options.workload.theta)) {}

  absl::StatusOr<BenchReport> Run() {
    BenchReport report{target_.name(), options_, {}, {}};
    if (options_.prefill) {
      if (absl::Status status = Prefill(report.prefill); !status.ok()) return status;
    }
    for (double read_share : options_.read_shares) {
      const size_t loads = options_.rate_ops_per_s > 0 ? 1 : options_.clients.size();
      for (size_t i = 0; i < loads; ++i) {
        absl::StatusOr<StageReport> stage = Stage(read_share, options_.clients[i]);
        if (!stage.ok()) return stage.status();
        report.stages.push_back(*std::move(stage));
      }
    }
    return report;
  }

 private:
  PhaseContext Context(const std::string& stage, OpSource& ops) {
    PhaseContext context{target_, ops, time_, options_.workload.key_prefix, ++phase_seed_ * 0x9e3779b97f4a7c15u,
                         nullptr};
    context.seed ^= options_.seed;
    if (progress_) context.progress = [this, stage](const PhaseProgress& progress) { progress_(stage, progress); };
    return context;
  }

  absl::Status Prefill(StageReport& report) {
    PrefillOps ops(values_);
    report.clients = options_.prefill_clients;
    UsageSpan usage;
    if (absl::Status status = usage.Begin(options_.watch_pids); !status.ok()) return status;
    report.stats = RunClosedLoop(Context("prefill", ops), {0, options_.workload.keys}, options_.prefill_clients);
    report.notes = target_.TakeNotes();
    if (report.errors() > 0) {
      return absl::UnavailableError(absl::StrCat("prefill: ", report.errors(), " of ", options_.workload.keys,
                                                 " writes failed, the first with ", report.stats.put.first_error));
    }
    return usage.End(report);
  }

  PhaseStats Phase(const PhaseContext& context, const PhaseLimit& limit, uint32_t clients) {
    if (options_.rate_ops_per_s <= 0) return RunClosedLoop(context, limit, clients);
    return RunOpenLoop(context, limit, {options_.rate_ops_per_s, options_.arrivals, options_.in_flight_max});
  }

  absl::StatusOr<StageReport> Stage(double read_share, uint32_t clients) {
    const bool open = options_.rate_ops_per_s > 0;
    const std::string load = open ? absl::StrCat(options_.rate_ops_per_s, " ops/s")
                                  : absl::StrCat(clients, clients == 1 ? " client" : " clients");
    const std::string name = absl::StrCat(MixName(read_share), ", ", load);
    MixedOps ops(read_share, *keys_, values_);
    if (options_.warm_up_s > 0) Phase(Context(name + ", warm-up", ops), {Nanos(options_.warm_up_s), 0}, clients);
    target_.TakeNotes();

    StageReport report{read_share, open ? 0 : clients, options_.rate_ops_per_s, {}, 0, {}, {}};
    const PhaseLimit limit = options_.ops > 0 ? PhaseLimit{0, options_.ops} : PhaseLimit{Nanos(options_.seconds), 0};
    UsageSpan usage;
    if (absl::Status status = usage.Begin(options_.watch_pids); !status.ok()) return status;
    report.stats = Phase(Context(name, ops), limit, clients);
    if (absl::Status status = usage.End(report); !status.ok()) return status;
    report.notes = target_.TakeNotes();
    return report;
  }

  static int64_t Nanos(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

  const BenchOptions& options_;
  BenchTarget& target_;
  BenchTime& time_;
  const BenchProgress& progress_;
  const ValuePool values_;
  const std::unique_ptr<KeyDistribution> keys_;
  uint64_t phase_seed_ = 0;  // so that no phase repeats the keys of the one before
};

absl::Status Wrong(const char* option, const auto& value, const std::string& allowed) {
  return absl::InvalidArgumentError(absl::StrCat("--", option, " ", value, ": must be ", allowed));
}

absl::Status ValidateWorkload(const WorkloadOptions& workload) {
  if (workload.keys == 0) return Wrong("keys", workload.keys, "at least 1");
  if (!(workload.theta > 0 && workload.theta < 1))
    return Wrong("theta", workload.theta, "between 0 and 1, both excluded");
  if (KeyName(workload.key_prefix, 0).size() > kKeyBytesMax) {
    return Wrong("key-prefix", absl::StrCat("of ", workload.key_prefix.size(), " bytes"), "shorter");
  }
  const ValueSize& size = workload.value_size;
  if (size.bytes_min > size.bytes_max || size.bytes_max > kValueBytesMax) {
    return Wrong("value-size", absl::StrCat(size.bytes_min, "-", size.bytes_max),
                 absl::StrCat("a size or range of at most ", kValueBytesMax, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

double StageReport::watched_cpu_s() const {
  double sum = 0;
  for (const WatchedProcess& process : watched) sum += process.cpu_s;
  return sum;
}

absl::Status ValidateBenchOptions(const BenchOptions& options) {
  constexpr uint32_t kClientsMax = 65536;
  if (absl::Status status = ValidateWorkload(options.workload); !status.ok()) return status;
  if (options.read_shares.empty()) return Wrong("read-share", "''", "a list of shares");
  for (double share : options.read_shares) {
    if (!(share >= 0 && share <= 1)) return Wrong("read-share", share, "from 0 (writes only) to 1 (reads only)");
  }
  if (options.clients.empty()) return Wrong("clients", "''", "a list of numbers");
  for (uint32_t clients : options.clients) {
    if (clients == 0 || clients > kClientsMax) return Wrong("clients", clients, absl::StrCat("1 to ", kClientsMax));
  }
  if (options.prefill_clients == 0 || options.prefill_clients > kClientsMax) {
    return Wrong("prefill-clients", options.prefill_clients, absl::StrCat("1 to ", kClientsMax));
  }
  if (options.in_flight_max == 0 || options.in_flight_max > kClientsMax) {
    return Wrong("in-flight-max", options.in_flight_max, absl::StrCat("1 to ", kClientsMax));
  }
  if (options.rate_ops_per_s < 0) return Wrong("rate", options.rate_ops_per_s, "positive");
  if (options.warm_up_s < 0) return Wrong("warm-up", options.warm_up_s, "0 or more seconds");
  if (options.ops == 0 && options.seconds <= 0) return Wrong("seconds", options.seconds, "positive");
  return absl::OkStatus();
}

absl::StatusOr<BenchReport> RunBench(const BenchOptions& options, BenchTarget& target, BenchTime& time,
                                     const BenchProgress& progress) {
  if (absl::Status status = ValidateBenchOptions(options); !status.ok()) return status;
  return BenchRun(options, target, time, progress).Run();
}

}  // namespace henge::bench
