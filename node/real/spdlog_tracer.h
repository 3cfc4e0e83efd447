// The log: events as lines of text or JSON, written through spdlog by a thread of its own, so that a slow disk or
// terminal never holds up a loop.
//
// Thread-safe; one per process, owned by main(). What is waiting to be written is bounded: beyond the bound, lines
// below kError are dropped and counted, and the log says how many as soon as it can.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/runtime/batch_worker.h"
#include "core/runtime/clock.h"
#include "core/runtime/tracer.h"
#include "node/real/log_line.h"

namespace spdlog {
class logger;
}

namespace henge {

struct LogOptions {
  LogFormat format = LogFormat::kText;
  Severity level = Severity::kInfo;  // the least severe that is written
  std::string node;                  // this node's name, in every line
  std::string file;                  // appended to; empty = stderr
  int queued_lines_max = 16384;
};

class SpdlogTracer final : public Tracer {
 public:
  // PERMISSION_DENIED, naming the file and the reason, if it can't be opened for appending.
  static absl::StatusOr<std::unique_ptr<SpdlogTracer>> Open(LogOptions options, const Clock& clock);
  // Writes what is waiting.
  ~SpdlogTracer() override;

  bool Enabled(Severity severity) const override { return severity >= level_.load(std::memory_order_relaxed); }
  void Event(Severity severity, std::string_view event, std::initializer_list<TraceField> fields) override;

  void SetLevel(Severity level) { level_.store(level, std::memory_order_relaxed); }
  // Returns when every line so far has been handed to the system. For shutdown and fatal errors: it blocks.
  void Flush();

  // Lines that were never written: the queue was full, or the sink failed.
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  SpdlogTracer(LogOptions options, const Clock& clock, std::shared_ptr<spdlog::logger> logger);
  void Write(std::vector<std::unique_ptr<WorkItem>> batch);

  const LogOptions options_;
  const Clock& clock_;
  std::atomic<Severity> level_;
  std::atomic<int> queued_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
  std::shared_ptr<spdlog::logger> logger_;  // the writer's
  uint64_t dropped_reported_ = 0;           // the writer's
  std::unique_ptr<BatchWorker> writer_;     // last: its thread uses all of the above
};

}  // namespace henge
