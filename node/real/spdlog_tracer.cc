#include "node/real/spdlog_tracer.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <future>
#include <utility>

#include "node/real/batch_worker_thread.h"

namespace henge {
namespace {

struct Line : WorkItem {
  Line(Severity s, std::string t) : severity(s), text(std::move(t)) {}
  Severity severity;
  std::string text;
};

struct FlushRequest : WorkItem {
  std::promise<void> done;
};

spdlog::level::level_enum LevelOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kError:
      return spdlog::level::err;
    case Severity::kAlarm:
      return spdlog::level::critical;
  }
  return spdlog::level::critical;
}

absl::StatusOr<spdlog::sink_ptr> OpenSink(const std::string& file) {
  if (file.empty()) return std::make_shared<spdlog::sinks::stderr_sink_st>();
  try {
    return std::make_shared<spdlog::sinks::basic_file_sink_st>(file);
  } catch (const spdlog::spdlog_ex& error) {
    // spdlog would make missing folders; what still fails is a path that can't be written.
    return absl::PermissionDeniedError("can't open the log file '" + file + "' for appending: " + error.what() +
                                       "; give a path that this user may write, or leave it empty to log to stderr");
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SpdlogTracer>> SpdlogTracer::Open(LogOptions options, const Clock& clock) {
  absl::StatusOr<spdlog::sink_ptr> sink = OpenSink(options.file);
  if (!sink.ok()) return sink.status();
  auto logger = std::make_shared<spdlog::logger>("henge", *std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  return std::unique_ptr<SpdlogTracer>(new SpdlogTracer(std::move(options), clock, std::move(logger)));
}

SpdlogTracer::SpdlogTracer(LogOptions options, const Clock& clock, std::shared_ptr<spdlog::logger> logger)
    : options_(std::move(options)), clock_(clock), level_(options_.level), logger_(std::move(logger)) {
  // A full disk must not turn into a flood of complaints about the log: it is counted.
  logger_->set_error_handler([this](const std::string&) { dropped_.fetch_add(1, std::memory_order_relaxed); });
  writer_ = std::make_unique<BatchWorkerThread>(
      "log", [this](std::vector<std::unique_ptr<WorkItem>> batch) { Write(std::move(batch)); });
}

SpdlogTracer::~SpdlogTracer() { writer_->Stop(); }

void SpdlogTracer::Event(Severity severity, std::string_view event, std::initializer_list<TraceField> fields) {
  if (!Enabled(severity)) return;
  if (queued_.fetch_add(1, std::memory_order_relaxed) >= options_.queued_lines_max && severity < Severity::kError) {
    queued_.fetch_sub(1, std::memory_order_relaxed);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  writer_->Submit(std::make_unique<Line>(
      severity, FormatLogLine(options_.format, clock_.WallNow(), severity, options_.node, event, fields)));
}

void SpdlogTracer::Flush() {
  auto request = std::make_unique<FlushRequest>();
  std::future<void> done = request->done.get_future();
  writer_->Submit(std::move(request));
  done.wait();
}

void SpdlogTracer::Write(std::vector<std::unique_ptr<WorkItem>> batch) {
  std::vector<FlushRequest*> flushes;
  for (const std::unique_ptr<WorkItem>& item : batch) {
    if (const auto* line = dynamic_cast<const Line*>(item.get())) {
      logger_->log(LevelOf(line->severity), spdlog::string_view_t(line->text.data(), line->text.size()));
      queued_.fetch_sub(1, std::memory_order_relaxed);
    } else {
      flushes.push_back(static_cast<FlushRequest*>(item.get()));
    }
  }
  if (const uint64_t dropped = dropped_.load(std::memory_order_relaxed); dropped > dropped_reported_) {
    const uint64_t since = dropped - std::exchange(dropped_reported_, dropped);
    logger_->log(spdlog::level::warn, FormatLogLine(options_.format, clock_.WallNow(), Severity::kWarning,
                                                    options_.node, "LogLinesDropped", {{"count", since}}));
  }
  logger_->flush();
  for (FlushRequest* request : flushes) request->done.set_value();
}

}  // namespace henge
