// The seam to the log: structured events. Production writes them through spdlog; the simulator hashes them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace henge {

enum class Severity : uint8_t { kDebug, kInfo, kWarning, kError, kAlarm };  // kAlarm: wake somebody up

struct TraceField {
  std::string_view name;
  std::variant<int64_t, uint64_t, std::string> value;
};

// Thread-safe. Never given a key or a value at kInfo or above: a hash of the key at most.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual bool Enabled(Severity severity) const = 0;
  // `event` is a constant name in PascalCase, e.g. "PeerDisqualified".
  virtual void Event(Severity severity, std::string_view event, std::initializer_list<TraceField> fields) = 0;
};

}  // namespace henge
