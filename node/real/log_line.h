// How one event looks as a line of the log. Pure functions; the writing is SpdlogTracer's.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/model/time.h"
#include "core/runtime/tracer.h"

namespace henge {

enum class LogFormat : uint8_t {
  kText,  // 2026-05-06T07:08:09.123Z INFO n1 PeerDisqualified peer=2 reason="no answer"
  kJson,  // {"ts":"2026-05-06T07:08:09.123Z","level":"info","msg":"PeerDisqualified","node":"n1","peer":2,...}
};

// debug, info, warn, error, alarm.
std::string_view SeverityName(Severity severity);

// RFC 3339 in UTC with milliseconds.
std::string FormatUtc(WallTime time);

// One line without its end. No field can break out of it: control characters are escaped in both formats, bytes that
// are no UTF-8 are replaced in JSON and escaped in text. A field named like one of ours (ts, level, msg, node) gets a
// "_".
std::string FormatLogLine(LogFormat format, WallTime time, Severity severity, std::string_view node,
                          std::string_view event, std::initializer_list<TraceField> fields);

}  // namespace henge
