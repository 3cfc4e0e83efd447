// The log of a simulated process: every event is part of the run's fingerprint; what is serious is kept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/runtime/tracer.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

// An event that the world has to account for: an alarm fails a run unless the run planted its cause.
struct SeriousEvent {
  SimTime at;
  std::string node;
  Severity severity = Severity::kError;
  std::string event;
  std::string text;  // "Event name=value ..."
};

// One per process; `serious` belongs to the world and outlives it.
class SimTracer final : public Tracer {
 public:
  SimTracer(SimScheduler& scheduler, std::string node, std::vector<SeriousEvent>& serious)
      : scheduler_(scheduler), node_(std::move(node)), serious_(serious) {}

  bool Enabled(Severity severity) const override { return severity >= level_; }
  void Event(Severity severity, std::string_view event, std::initializer_list<TraceField> fields) override;

  void SetLevel(Severity level) { level_ = level; }
  // Shows each event as a line too: "12.345678s n1 info Event name=value".
  void ShowLines(std::function<void(const std::string&)> show) { show_ = std::move(show); }

 private:
  SimScheduler& scheduler_;
  const std::string node_;
  std::vector<SeriousEvent>& serious_;
  Severity level_ = Severity::kDebug;
  std::function<void(const std::string&)> show_;
};

}  // namespace henge::sim
