#include "node/grpc/run_node.h"

#include <grpc/support/log.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "node/grpc/node_process.h"
#include "node/grpc/stop_signals.h"
#include "node/real/scheduling.h"
#include "node/real/spdlog_tracer.h"
#include "node/real/system_clock.h"
#include "node/version.h"

namespace henge {
namespace {

// A store that has failed answers everything at once, so that this is plenty.
constexpr Duration kFailedDrainTime = std::chrono::seconds(2);

LogOptions MakeLogOptions(const NodeConfig& config) {
  LogOptions options;
  options.level = config.log_level;
  options.file = config.log_file;
  options.node = config.name;
  const bool terminal = config.log_file.empty() && isatty(STDERR_FILENO) == 1;
  const bool text =
      config.log_format == LogFormatChoice::kText || (config.log_format == LogFormatChoice::kAuto && terminal);
  options.format = text ? LogFormat::kText : LogFormat::kJson;
  return options;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "henged: %s\n", std::string(status.message()).c_str());
  return 1;
}

// For scripts that wait until the node serves. The file appears whole or not at all.
absl::Status TellReady(const NodeConfig& config, const NodeProcess& process) {
  const std::string text = absl::StrCat("client=", process.client_address(), "\npeer=", process.peer_address(), "\n");
  if (!config.ready_file.empty()) {
    const std::string partial = config.ready_file + ".partial";
    std::ofstream file(partial, std::ios::trunc);
    file << text << std::flush;
    if (!file.good() || std::rename(partial.c_str(), config.ready_file.c_str()) != 0) {
      return absl::UnavailableError(
          absl::StrCat("can't write ready_file ", config.ready_file, ": ", std::strerror(errno)));
    }
  }
  if (config.ready_fd >= 0) {
    const ssize_t written = write(config.ready_fd, text.data(), text.size());
    close(config.ready_fd);
    if (written != static_cast<ssize_t>(text.size())) {
      return absl::UnavailableError(absl::StrCat("can't write to ready_fd ", config.ready_fd));
    }
  }
  return absl::OkStatus();
}

// Waits until the node is to end, and ends it. The process's status; none: a new node is to be started on the same
// data.
std::optional<int> RunToTheEnd(std::unique_ptr<NodeProcess> process, const NodeConfig& config, StopEvent& stop,
                               SpdlogTracer& log) {
  const StopEvent::Reason reason = stop.Wait();
  log.Event(reason.failed ? Severity::kAlarm : Severity::kInfo, "Stopping", {{"why", reason.text}});
  const Duration patience = reason.failed ? std::min(config.drain_timeout, kFailedDrainTime) : config.drain_timeout;
  const bool orderly = process->Shutdown(patience);
  if (orderly) process.reset();
  if (orderly && stop.TakeRestart()) {
    log.Event(Severity::kInfo, "StartingAgain", {{"why", reason.text}});
    return std::nullopt;
  }
  // The store may have failed while it was closed. A node that can't be started again here is its supervisor's.
  const std::optional<StopEvent::Reason> last = stop.reason();
  const int status = reason.failed || (last.has_value() && (last->failed || last->restart)) ? 1 : 0;
  log.Event(Severity::kInfo, "Stopped", {{"status", int64_t{status}}});
  log.Flush();
  if (!orderly) _exit(status);
  return status;
}

}  // namespace

int RunNode(const NodeConfig& config) {
  // What gRPC would print on standard error by itself comes back to us as a status, or is of no use to an operator.
  gpr_set_log_function([](gpr_log_func_args*) {});
  StopEvent stop;
  StopSignals signals(stop);
  SystemClock clock;
  absl::StatusOr<std::unique_ptr<SpdlogTracer>> tracer = SpdlogTracer::Open(MakeLogOptions(config), clock);
  if (!tracer.ok()) return Fail(tracer.status());
  SpdlogTracer& log = **tracer;

  // Before any thread of the node is made.
  if (config.batch_scheduling) {
    if (absl::Status status = LetRunningThreadsFinish(); !status.ok()) {
      log.Event(Severity::kWarning, "SchedulingStaysNormal", {{"why", status.ToString()}});
    }
  }

  NodeConfig now = config;
  for (bool first = true;; first = false) {
    absl::StatusOr<std::unique_ptr<NodeProcess>> process = NodeProcess::Start(now, clock, log, stop);
    if (!process.ok()) {
      log.Event(Severity::kError, "StartFailed", {{"why", process.status().ToString()}});
      log.Flush();
      return Fail(process.status());
    }
    if (first) {
      if (absl::Status status = TellReady(config, **process); !status.ok()) return Fail(status);
    }
    // A port that was chosen at the first start stays.
    now.client_listen = (*process)->client_address();
    now.peer_listen = (*process)->peer_address();
    log.Event(Severity::kInfo, "Serving",
              {{"client", now.client_listen}, {"peer", now.peer_listen}, {"version", std::string(kHengeVersion)}});
    log.Flush();
    if (first) std::fputs((*process)->Banner().c_str(), stderr);
    if (const std::optional<int> status = RunToTheEnd(*std::move(process), config, stop, log); status.has_value()) {
      return *status;
    }
  }
}

}  // namespace henge
