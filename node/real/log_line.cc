#include "node/real/log_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <variant>

namespace henge {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// The length of the well-formed UTF-8 sequence at the start of `text` (Unicode standard, table 3-7), or 0.
size_t Utf8SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto in = [&](size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return in(1, low, high) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// Appends the escape that both formats share for `c`; false if it needs none.
bool AppendEscape(char c, std::string* out) {
  switch (c) {
    case '"':
      *out += "\\\"";
      return true;
    case '\\':
      *out += "\\\\";
      return true;
    case '\n':
      *out += "\\n";
      return true;
    case '\r':
      *out += "\\r";
      return true;
    case '\t':
      *out += "\\t";
      return true;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7F) return false;
  *out += "\\u00";
  *out += kHexDigits[byte >> 4];
  *out += kHexDigits[byte & 15];
  return true;
}

void AppendQuoted(LogFormat format, std::string_view text, std::string* out) {
  *out += '"';
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      if (format == LogFormat::kJson) {
        *out += "\\ufffd";
      } else {
        *out += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
      }
      text.remove_prefix(1);
      continue;
    }
    if (length > 1 || !AppendEscape(text[0], out)) out->append(text.substr(0, length));
    text.remove_prefix(length);
  }
  *out += '"';
}

// Whether `text` reads unambiguously as one word of a text line.
bool IsPlainWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '=' && c != '\\'; });
}

void AppendText(std::string_view text, std::string* out) {
  if (IsPlainWord(text)) {
    *out += text;
  } else {
    AppendQuoted(LogFormat::kText, text, out);
  }
}

std::string FieldName(std::string_view name) {
  constexpr std::array<std::string_view, 4> kOurs = {"ts", "level", "msg", "node"};
  std::string out(name);
  if (std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end()) out += '_';
  return out;
}

void AppendValue(LogFormat format, const TraceField& field, std::string* out) {
  if (const auto* number = std::get_if<int64_t>(&field.value)) {
    *out += std::to_string(*number);
  } else if (const auto* natural = std::get_if<uint64_t>(&field.value)) {
    *out += std::to_string(*natural);
  } else if (format == LogFormat::kJson) {
    AppendQuoted(format, std::get<std::string>(field.value), out);
  } else {
    AppendText(std::get<std::string>(field.value), out);
  }
}

std::string_view UpperName(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARN";
    case Severity::kError:
      return "ERROR";
    case Severity::kAlarm:
      return "ALARM";
  }
  return "?";
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warn";
    case Severity::kError:
      return "error";
    case Severity::kAlarm:
      return "alarm";
  }
  return "?";
}

std::string FormatUtc(WallTime time) {
  using std::chrono::days;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> point{time.time_since_epoch()};
  const auto day = std::chrono::floor<days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(point - day);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

std::string FormatLogLine(LogFormat format, WallTime time, Severity severity, std::string_view node,
                          std::string_view event, std::initializer_list<TraceField> fields) {
  std::string line;
  line.reserve(128 + fields.size() * 32);
  if (format == LogFormat::kText) {
    line += FormatUtc(time);
    line += ' ';
    line += UpperName(severity);
    line += ' ';
    AppendText(node, &line);
    line += ' ';
    AppendText(event, &line);
    for (const TraceField& field : fields) {
      line += ' ';
      line += FieldName(field.name);
      line += '=';
      AppendValue(format, field, &line);
    }
    return line;
  }
  line += "{\"ts\":\"";
  line += FormatUtc(time);
  line += "\",\"level\":\"";
  line += SeverityName(severity);
  line += "\",\"msg\":";
  AppendQuoted(format, event, &line);
  line += ",\"node\":";
  AppendQuoted(format, node, &line);
  for (const TraceField& field : fields) {
    line += ',';
    AppendQuoted(format, FieldName(field.name), &line);
    line += ':';
    AppendValue(format, field, &line);
  }
  line += '}';
  return line;
}

}  // namespace henge
