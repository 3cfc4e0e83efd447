// Gathers the settings: flag > environment > file > default. An unknown name in any of them is refused, with the
// nearest known one.
//
// Pure: the caller passes argv, the environment and a reader of files.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace henge {

struct Setting {
  std::string value;
  std::string origin;  // "default", "file henge.toml", "environment HENGE_NAME", "flag --name"
};
using Settings = std::map<std::string, Setting>;  // by the schema's names; has all of them

enum class CommandAction : uint8_t { kRun, kHelp, kVersion, kPrintConfig, kCheckConfig };

struct Command {
  CommandAction action = CommandAction::kRun;
  Settings settings;
};

struct ConfigInput {
  std::vector<std::string> args;                   // without the program's name
  std::map<std::string, std::string> environment;  // all of it
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;
};

// INVALID_ARGUMENT or the reader's error, saying where the mistake is and what was expected.
absl::StatusOr<Command> ParseCommand(const ConfigInput& input);

}  // namespace henge
