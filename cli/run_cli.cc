#include "cli/run_cli.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "core/model/nearest_name.h"

#ifndef HENGE_VERSION
#error "the build defines HENGE_VERSION"
#endif

namespace henge::cli {
namespace {

constexpr char kDefaultEndpoint[] = "127.0.0.1:7400";
constexpr char kFooter[] =
    "Every command takes the options of 'henge --help'. Data goes to standard output, messages to standard error.\n"
    "Exit status: 0 ok, 1 error, 2 usage, 3 not found, 4 no quorum or no node, 5 conflict.\n"
    "Environment: HENGE_ENDPOINTS (or HENGE_ENDPOINT) for --endpoint, NO_COLOR.";

// The options that every command takes, as they were written.
struct CommonText {
  std::string endpoints;
  std::string output = "auto";
  std::string consistency = "quorum";
  std::string timeout = "5s";
  std::string bucket = "default";
  bool direct = false;
};

void AddCommonOptions(CLI::App& app, CommonText& text) {
  app.add_option("-e,--endpoint,--endpoints", text.endpoints, "Nodes to ask, HOST:PORT, several separated by commas")
      ->type_name("HOST:PORT");
  app.add_option("-o,--output", text.output, "How to print; without it, what suits the terminal or the pipe")
      ->check(CLI::IsMember({"table", "json", "raw"}));
  app.add_option("-c,--consistency", text.consistency,
                 "How many replicas take part, or a number; with ',strict' after it owners only")
      ->type_name("LEVEL:{one,quorum,all}");
  app.add_option("-t,--timeout", text.timeout, "Give up after this long, such as 500ms or 5s")->type_name("DURATION");
  app.add_option("-b,--bucket", text.bucket, "The namespace of the key");
  app.add_flag("--direct", text.direct, "Ask no node but those that --endpoint names; they forward what isn't theirs");
}

absl::StatusOr<CommonFlags> ToFlags(const CommonText& text, Terminal& terminal) {
  CommonFlags flags;
  flags.endpoints = text.endpoints;
  for (const char* name : {"HENGE_ENDPOINTS", "HENGE_ENDPOINT"}) {
    if (flags.endpoints.empty()) flags.endpoints = terminal.environment(name);
  }
  if (flags.endpoints.empty()) flags.endpoints = kDefaultEndpoint;
  if (text.output == "table") flags.output = Output::kTable;
  if (text.output == "json") flags.output = Output::kJson;
  if (text.output == "raw") flags.output = Output::kRaw;
  auto consistency = ParseConsistency(text.consistency);
  if (!consistency.ok()) return consistency.status();
  flags.consistency = *consistency;
  auto timeout = ParseDuration(text.timeout);
  if (!timeout.ok()) return timeout.status();
  flags.timeout = *timeout;
  flags.bucket = text.bucket;
  flags.direct = text.direct;
  return flags;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// For a command or an option that doesn't exist: the one that was probably meant.
std::string Suggestion(const CLI::App& app) {
  std::vector<std::string> commands;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) commands.push_back(sub->get_name());
  auto parsed = app.get_subcommands();
  std::vector<std::string> options = OptionNames(app);
  for (const CLI::App* sub : parsed) {
    for (const std::string& name : OptionNames(*sub)) options.push_back(name);
  }
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    bool is_option = word.size() > 1 && word[0] == '-';
    if (!is_option && !parsed.empty()) continue;
    std::string near = NearestName(word.substr(0, word.find('=')), is_option ? options : commands);
    std::string known = near.empty() ? "" : absl::StrCat("; did you mean ", near, "?");
    if (!is_option) return absl::StrCat("there is no command '", word, "'", known);
    return absl::StrCat("there is no option '", word, "'", known, " (a value that starts with '-' goes after '--')");
  }
  return "";
}

ExitCode ReportParseError(const CLI::App& app, const CLI::ParseError& error, Context& context) {
  std::string suggestion = Suggestion(app);
  context.Say(suggestion.empty() ? error.what() : suggestion);
  auto parsed = app.get_subcommands();
  std::string help = parsed.empty() ? "henge --help" : absl::StrCat("henge ", parsed[0]->get_name(), " --help");
  context.Say(absl::StrCat("try '", help, "'"));
  return ExitCode::kUsage;
}

}  // namespace

ExitCode RunCli(const std::vector<std::string>& arguments, Terminal& terminal) {
  CLI::App app("Reads, writes and looks after a Henge cluster.", "henge");
  CommonText text;
  Action chosen;
  app.set_version_flag("--version", "henge " HENGE_VERSION, "Print the version");
  AddCommonOptions(app, text);
  app.fallthrough();
  app.footer(kFooter);
  app.require_subcommand(1);
  DeclareKeyCommands(app, chosen);
  DeclareScanCommand(app, chosen);
  DeclareImportCommand(app, chosen);
  DeclareExportCommand(app, chosen);
  DeclareVerifyCommand(app, chosen);
  DeclareStatusCommand(app, chosen);
  DeclareRingCommand(app, chosen);
  DeclareBucketCommand(app, chosen);
  DeclareClusterCommand(app, chosen);
  DeclareExplainCommand(app, chosen);
  DeclareEntropyCommands(app, chosen);
  DeclareBenchCommand(app, chosen);
  DeclareCompletionCommand(app, chosen);

  Context before_flags(terminal, CommonFlags());
  if (arguments.empty()) {
    terminal.err << app.help();
    return ExitCode::kUsage;
  }
  try {
    // The library takes them last first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error, terminal.out, terminal.err);
      return ExitCode::kOk;
    }
    return ReportParseError(app, error, before_flags);
  }
  auto flags = ToFlags(text, terminal);
  if (!flags.ok()) return before_flags.UsageError(std::string(flags.status().message()));
  Context context(terminal, *std::move(flags));
  ExitCode code = chosen(context);
  terminal.out.flush();
  if (terminal.out) return code;
  context.Say("standard output can't be written to: is there room, and does somebody read it?");
  return ExitCode::kError;
}

}  // namespace henge::cli
