#include "tests/sim/sim_tracer.h"

#include <cstdio>
#include <type_traits>
#include <variant>

namespace henge::sim {
namespace {

constexpr const char* kNames[] = {"debug", "info", "warn", "error", "alarm"};

std::string TextOf(std::string_view event, std::initializer_list<TraceField> fields) {
  std::string text(event);
  for (const TraceField& field : fields) {
    text += ' ';
    text += field.name;
    text += '=';
    std::visit(
        [&text](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
            text += value;
          } else {
            text += std::to_string(value);
          }
        },
        field.value);
  }
  return text;
}

}  // namespace

void SimTracer::Event(Severity severity, std::string_view event, std::initializer_list<TraceField> fields) {
  if (!Enabled(severity)) return;
  const std::string text = TextOf(event, fields);
  scheduler_.trace().AddText(scheduler_.now(), node_, static_cast<uint64_t>(severity), text);
  if (severity >= Severity::kError) {
    serious_.push_back(SeriousEvent{scheduler_.now(), node_, severity, std::string(event), text});
  }
  if (!show_) return;
  char at[32];
  std::snprintf(at, sizeof(at), "%.6fs", static_cast<double>(scheduler_.now().time_since_epoch().count()) / 1e9);
  show_(std::string(at) + " " + node_ + " " + kNames[static_cast<size_t>(severity)] + " " + text);
}

}  // namespace henge::sim
