#include "node/config/config_sources.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/nearest_name.h"
#include "core/runtime/status_macros.h"
#include "node/config/config_file.h"
#include "node/config/config_schema.h"

namespace henge {
namespace {

constexpr char kConfigFlag[] = "--config";
constexpr char kConfigVariable[] = "HENGE_CONFIG";
constexpr char kPrefix[] = "HENGE_";

// Variables of the `henge` command and of our scripts, which may well be set where a node is started.
constexpr std::string_view kForeignVariables[] = {"HENGE_ENDPOINT", "HENGE_ENDPOINTS"};

struct ActionFlag {
  std::string_view flag;
  CommandAction action;
};
constexpr ActionFlag kActionFlags[] = {{"--help", CommandAction::kHelp},
                                       {"-h", CommandAction::kHelp},
                                       {"--version", CommandAction::kVersion},
                                       {"--print-config", CommandAction::kPrintConfig},
                                       {"--check-config", CommandAction::kCheckConfig}};

absl::Status Unknown(const char* what, const std::string& name, const std::vector<std::string>& known,
                     const std::string& where) {
  const std::string nearest = NearestName(name, known);
  return absl::InvalidArgumentError(absl::StrCat("unknown ", what, " ", name, where,
                                                 nearest.empty() ? "" : absl::StrCat(", did you mean ", nearest, "?"),
                                                 " (henged --help lists all)"));
}

absl::Status Set(Settings* settings, const ConfigKey& key, std::string value, std::string origin) {
  if (absl::Status status = CheckConfigValue(key, value); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(status.message(), " (", origin, ")"));
  }
  (*settings)[std::string(key.name)] = {std::move(value), std::move(origin)};
  return absl::OkStatus();
}

struct Flags {
  CommandAction action = CommandAction::kRun;
  std::optional<std::string> config;
  std::vector<std::pair<const ConfigKey*, std::string>> values;
};

std::optional<CommandAction> ActionOf(const std::string& flag) {
  for (const ActionFlag& known : kActionFlags) {
    if (known.flag == flag) return known.action;
  }
  return std::nullopt;
}

absl::StatusOr<Flags> ParseFlags(const std::vector<std::string>& args) {
  std::vector<std::string> known = {kConfigFlag};
  for (const ActionFlag& flag : kActionFlags) known.emplace_back(flag.flag);
  for (const ConfigKey& key : ConfigSchema()) known.push_back(FlagOf(key));
  Flags flags;
  for (size_t i = 0; i < args.size(); ++i) {
    const size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(0, equals);
    if (const std::optional<CommandAction> action = ActionOf(flag)) {
      flags.action = *action;
      continue;
    }
    auto key = std::find_if(ConfigSchema().begin(), ConfigSchema().end(),
                            [&flag](const ConfigKey& k) { return FlagOf(k) == flag; });
    if (key == ConfigSchema().end() && flag != kConfigFlag) return Unknown("argument", flag, known, "");
    if (equals == std::string::npos && i + 1 == args.size()) {
      return absl::InvalidArgumentError(absl::StrCat(flag, " needs a value"));
    }
    std::string value = equals != std::string::npos ? args[i].substr(equals + 1) : args[++i];
    if (flag == kConfigFlag) {
      flags.config = std::move(value);
    } else {
      flags.values.emplace_back(&*key, std::move(value));
    }
  }
  return flags;
}

absl::Status ApplyFile(const std::string& path, const ConfigInput& input, Settings* settings) {
  HENGE_ASSIGN_OR_RETURN(std::string text, input.read_file(path));
  HENGE_ASSIGN_OR_RETURN(std::vector<FileValue> values, ParseConfigFile(text, path));
  std::vector<std::string> known;
  for (const ConfigKey& key : ConfigSchema()) known.emplace_back(key.name);
  for (FileValue& value : values) {
    const ConfigKey* key = FindConfigKey(value.name);
    const std::string where = absl::StrCat("file ", path, ", line ", value.line);
    if (key == nullptr) return Unknown("setting", value.name, known, absl::StrCat(" (", where, ")"));
    const bool wants_number = key->kind == ConfigKind::kInteger;
    if (value.is_number && !wants_number && key->kind != ConfigKind::kBytes) {
      return absl::InvalidArgumentError(absl::StrCat(value.name, " must be a text in quotes (", where, ")"));
    }
    HENGE_RETURN_IF_ERROR(Set(settings, *key, std::move(value.value), where));
  }
  return absl::OkStatus();
}

absl::Status ApplyEnvironment(const ConfigInput& input, Settings* settings) {
  std::vector<std::string> known = {kConfigVariable};
  for (const ConfigKey& key : ConfigSchema()) known.push_back(EnvironmentOf(key));
  for (const auto& [name, value] : input.environment) {
    if (name.rfind(kPrefix, 0) != 0 || name == kConfigVariable) continue;
    if (std::find(std::begin(kForeignVariables), std::end(kForeignVariables), name) != std::end(kForeignVariables)) {
      continue;
    }
    auto key = std::find_if(ConfigSchema().begin(), ConfigSchema().end(),
                            [&name = name](const ConfigKey& k) { return EnvironmentOf(k) == name; });
    if (key == ConfigSchema().end()) return Unknown("environment variable", name, known, "");
    HENGE_RETURN_IF_ERROR(Set(settings, *key, value, absl::StrCat("environment ", name)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Command> ParseCommand(const ConfigInput& input) {
  Command command;
  HENGE_ASSIGN_OR_RETURN(Flags flags, ParseFlags(input.args));
  command.action = flags.action;
  for (const ConfigKey& key : ConfigSchema()) {
    command.settings[std::string(key.name)] = {std::string(key.value), "default"};
  }
  std::optional<std::string> path = flags.config;
  if (auto variable = input.environment.find(kConfigVariable); !path && variable != input.environment.end()) {
    path = variable->second;
  }
  // Help and version answer whatever else is wrong.
  if (command.action == CommandAction::kHelp || command.action == CommandAction::kVersion) return command;
  if (path.has_value()) HENGE_RETURN_IF_ERROR(ApplyFile(*path, input, &command.settings));
  HENGE_RETURN_IF_ERROR(ApplyEnvironment(input, &command.settings));
  for (auto& [key, value] : flags.values) {
    HENGE_RETURN_IF_ERROR(Set(&command.settings, *key, std::move(value), absl::StrCat("flag ", FlagOf(*key))));
  }
  return command;
}

}  // namespace henge
