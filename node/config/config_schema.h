// Every setting of henged, once: from this table come the flags, the names in the environment, the keys of the file,
// --help, the sample file and the checks of types and ranges.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace henge {

enum class ConfigKind : uint8_t {
  kString,
  kInteger,   // decimal, within [min, max]
  kBytes,     // an integer with KiB, MiB or GiB, or plain bytes
  kDuration,  // an integer with ms, s or m
  kChoice,    // one of `choices`, separated by '|'
};

struct ConfigKey {
  std::string_view name;  // in the file: "section.key" or "key"
  ConfigKind kind;
  std::string_view value;    // the default, as text
  std::string_view choices;  // kChoice
  int64_t min;               // in the kind's unit: bytes, milliseconds
  int64_t max;
  std::string_view doc;  // one or two sentences
};

std::span<const ConfigKey> ConfigSchema();
// Null if there is none.
const ConfigKey* FindConfigKey(std::string_view name);

std::string FlagOf(const ConfigKey& key);         // --log-format
std::string EnvironmentOf(const ConfigKey& key);  // HENGE_LOG_FORMAT

// Whether `text` is a value of `key`. INVALID_ARGUMENT, saying what is expected.
absl::Status CheckConfigValue(const ConfigKey& key, const std::string& text);

// The number that a checked value of kInteger, kBytes (bytes) or kDuration (milliseconds) stands for.
int64_t ConfigNumber(const ConfigKey& key, const std::string& text);

}  // namespace henge
