// The configuration file: TOML, read into a flat list of names and values.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace henge {

struct FileValue {
  std::string name;   // "section.key" or "key"
  std::string value;  // as text
  bool is_number = false;
  int line = 0;
};

// INVALID_ARGUMENT with the line, for what is no TOML, and for values that are neither text nor whole number.
absl::StatusOr<std::vector<FileValue>> ParseConfigFile(const std::string& text, const std::string& path);

}  // namespace henge
