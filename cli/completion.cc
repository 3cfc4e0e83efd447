#include "cli/completion.h"

#include <CLI/Option.hpp>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"

namespace henge::cli {
namespace {

// An option, or a positional argument, as completion sees it.
struct Word {
  std::vector<std::string> names;    // with their dashes; none for a positional
  std::vector<std::string> choices;  // of its value, if they are few
  bool takes_value = false;
  bool takes_file = false;
  std::string description;
};

struct Command {
  std::string name;
  std::string description;
  std::vector<Word> options;
  std::vector<Word> positionals;
};

// A type's name ends with the choices in braces: TEXT:{table,json,raw}.
std::vector<std::string> ChoicesOf(const std::string& type_name) {
  size_t open = type_name.find('{'), close = type_name.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return absl::StrSplit(type_name.substr(open + 1, close - open - 1), ',');
}

Word WordOf(const CLI::Option& option) {
  Word word;
  for (const std::string& name : option.get_lnames()) word.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) word.names.push_back("-" + name);
  word.choices = ChoicesOf(option.get_type_name());
  word.takes_value = option.get_items_expected_max() > 0;
  word.takes_file = option.get_type_name() == "FILE";
  word.description = option.get_description();
  return word;
}

Command CommandOf(const CLI::App& app) {
  Command command;
  command.name = app.get_name();
  command.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    Word word = WordOf(*option);
    (word.names.empty() ? command.positionals : command.options).push_back(std::move(word));
  }
  return command;
}

std::vector<Command> CommandsOf(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); })) {
    commands.push_back(CommandOf(*sub));
  }
  return commands;
}

std::string JoinNames(const std::vector<Word>& options) {
  std::vector<std::string> names;
  for (const Word& option : options) names.insert(names.end(), option.names.begin(), option.names.end());
  return absl::StrJoin(names, " ");
}

// Inside single quotes of a shell.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// "    --output|-o) COMPREPLY=(...); return ;;" for each option of `options` that takes a value.
void AppendBashValues(const std::string& command, const std::vector<Word>& options, std::string* out) {
  for (const Word& option : options) {
    if (!option.takes_value) continue;
    for (const std::string& name : option.names) {
      std::string action = ":";
      if (!option.choices.empty())
        action = absl::StrCat("COMPREPLY=($(compgen -W ", Quoted(absl::StrJoin(option.choices, " ")), " -- \"$cur\"))");
      if (option.takes_file) action = "COMPREPLY=($(compgen -f -- \"$cur\"))";
      absl::StrAppend(out, "    ", Quoted(absl::StrCat(command, " ", name)), ") ", action, "; return ;;\n");
    }
  }
}

std::string BashWordsOf(const Command& command) {
  std::string action =
      absl::StrCat("COMPREPLY=($(compgen -W ", Quoted(JoinNames(command.options)), "\" $common\" -- \"$cur\"))");
  std::string positional = ":";
  for (const Word& word : command.positionals) {
    if (!word.choices.empty())
      positional = absl::StrCat("COMPREPLY=($(compgen -W ", Quoted(absl::StrJoin(word.choices, " ")), " -- \"$cur\"))");
    if (word.takes_file) positional = "COMPREPLY=($(compgen -f -- \"$cur\"))";
  }
  return absl::StrCat("    ", Quoted(command.name), ") if [[ $cur == -* ]]; then ", action, "; else ", positional,
                      "; fi ;;\n");
}

// _arguments takes '*' for "anywhere", and ':' ends a part.
std::string ZshSpec(const Word& word) {
  std::string description = absl::StrReplaceAll(word.description, {{"[", "("}, {"]", ")"}, {":", "\\:"}});
  std::string value;
  if (word.takes_value) {
    std::string how = word.takes_file        ? "_files"
                      : word.choices.empty() ? " "
                                             : absl::StrCat("(", absl::StrJoin(word.choices, " "), ")");
    value = absl::StrCat(":value:", how);
  }
  std::string specs;
  for (const std::string& name : word.names) {
    absl::StrAppend(&specs, " \\\n        ", Quoted(absl::StrCat("*", name, "[", description, "]", value)));
  }
  return specs;
}

std::string ZshPositional(const Word& word) {
  std::string how = word.takes_file        ? "_files"
                    : word.choices.empty() ? " "
                                           : absl::StrCat("(", absl::StrJoin(word.choices, " "), ")");
  return absl::StrCat(" \\\n        ",
                      Quoted(absl::StrCat(":", absl::StrReplaceAll(word.description, {{":", "\\:"}}), ":", how)));
}

void AppendFishOption(const std::string& condition, const Word& word, std::string* out) {
  absl::StrAppend(out, "complete -c henge", condition);
  for (const std::string& name : word.names) {
    absl::StrAppend(out, name.size() == 2 ? " -s " : " -l ", name.substr(name.size() == 2 ? 1 : 2));
  }
  if (word.takes_value) absl::StrAppend(out, " -x");
  if (!word.choices.empty()) absl::StrAppend(out, " -a ", Quoted(absl::StrJoin(word.choices, " ")));
  if (word.takes_file) absl::StrAppend(out, " -a '(__fish_complete_path)'");
  absl::StrAppend(out, " -d ", Quoted(word.description), "\n");
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::vector<Command> commands = CommandsOf(app);
  Command common = CommandOf(app);
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const Command& command : commands) names.push_back(command.name);
  std::string value_options;
  for (const Word& option : common.options) {
    for (const std::string& name : option.names) {
      if (option.takes_value) absl::StrAppend(&value_options, value_options.empty() ? "" : "|", name);
    }
  }
  std::string out = absl::StrCat(
      "# bash completion for henge: source <(henge completion bash)\n"
      "_henge() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word i\n"
      "  local common=",
      Quoted(JoinNames(common.options)),
      "\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    case $word in\n"
      "      ",
      value_options,
      ") ((++i)) ;;\n"
      "      -*) ;;\n"
      "      *) command=$word; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$command $prev\" in\n");
  for (const Command& command : commands) AppendBashValues(command.name, command.options, &out);
  absl::StrAppend(&out, "  esac\n  case \" $prev\" in\n");
  AppendBashValues("", common.options, &out);
  absl::StrAppend(&out, "  esac\n  case $command in\n", "    '') COMPREPLY=($(compgen -W ",
                  Quoted(absl::StrJoin(names, " ")), "\" $common\" -- \"$cur\")) ;;\n");
  for (const Command& command : commands) absl::StrAppend(&out, BashWordsOf(command));
  absl::StrAppend(&out, "  esac\n}\ncomplete -F _henge henge\n");
  return out;
}

std::string ZshCompletion(const CLI::App& app) {
  std::vector<Command> commands = CommandsOf(app);
  Command common = CommandOf(app);
  std::string out =
      "#compdef henge\n"
      "# zsh completion for henge: source <(henge completion zsh)\n"
      "_henge() {\n"
      "  local curcontext=$curcontext state line\n"
      "  local -a commands=(\n";
  for (const Command& command : commands) {
    absl::StrAppend(&out, "    ",
                    Quoted(absl::StrCat(command.name, ":", absl::StrReplaceAll(command.description, {{":", "\\:"}}))),
                    "\n");
  }
  absl::StrAppend(&out, "  )\n  _arguments -C");
  for (const Word& option : common.options) absl::StrAppend(&out, ZshSpec(option));
  absl::StrAppend(&out,
                  " \\\n        '1: :->command' '*:: :->arguments'\n  case $state in\n"
                  "    command) _describe 'command' commands ;;\n    arguments)\n      case $words[1] in\n");
  for (const Command& command : commands) {
    absl::StrAppend(&out, "      ", command.name, ") _arguments");
    for (const Word& option : command.options) absl::StrAppend(&out, ZshSpec(option));
    for (const Word& option : common.options) absl::StrAppend(&out, ZshSpec(option));
    for (const Word& positional : command.positionals) absl::StrAppend(&out, ZshPositional(positional));
    absl::StrAppend(&out, " ;;\n");
  }
  // A file of this name in fpath is run as the function itself; sourced, it only defines it.
  absl::StrAppend(&out, "      esac ;;\n  esac\n}\n",
                  "if [[ $funcstack[1] == _henge ]]; then _henge \"$@\"; else compdef _henge henge; fi\n");
  return out;
}

std::string FishCompletion(const CLI::App& app) {
  std::string out =
      "# fish completion for henge: henge completion fish | source\n"
      "complete -c henge -f\n";
  for (const Word& option : CommandOf(app).options) AppendFishOption("", option, &out);
  for (const Command& command : CommandsOf(app)) {
    absl::StrAppend(&out, "complete -c henge -n __fish_use_subcommand -a ", command.name, " -d ",
                    Quoted(command.description), "\n");
    std::string condition = absl::StrCat(" -n '__fish_seen_subcommand_from ", command.name, "'");
    for (const Word& option : command.options) AppendFishOption(condition, option, &out);
    for (const Word& positional : command.positionals) {
      if (positional.takes_file) absl::StrAppend(&out, "complete -c henge", condition, " -F\n");
      if (!positional.choices.empty())
        absl::StrAppend(&out, "complete -c henge", condition, " -a ", Quoted(absl::StrJoin(positional.choices, " ")),
                        "\n");
    }
  }
  return out;
}

void DeclareCompletionCommand(CLI::App& app, Action& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print the completion script of a shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, &chosen, shell] {
    chosen = [&app, shell](Context& context) {
      if (*shell == "bash") context.out() << BashCompletion(app);
      if (*shell == "zsh") context.out() << ZshCompletion(app);
      if (*shell == "fish") context.out() << FishCompletion(app);
      return ExitCode::kOk;
    };
  });
}

}  // namespace henge::cli
