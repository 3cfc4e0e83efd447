#include "node/config/config_sources.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/config/config_file.h"
#include "node/config/config_schema.h"
#include "node/config/node_config.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

constexpr char kFile[] = "henge.toml";

ConfigInput Input(std::vector<std::string> args, std::map<std::string, std::string> environment = {},
                  std::string file = "") {
  ConfigInput input;
  input.args = std::move(args);
  input.environment = std::move(environment);
  input.read_file = [file = std::move(file)](const std::string& path) -> absl::StatusOr<std::string> {
    if (path != kFile) return absl::NotFoundError("no file " + path);
    return file;
  };
  return input;
}

Setting SettingOf(const ConfigInput& input, const std::string& name) {
  auto command = ParseCommand(input);
  EXPECT_TRUE(command.ok()) << command.status();
  return command.ok() ? command->settings.at(name) : Setting{};
}

std::string ErrorOf(const ConfigInput& input) {
  auto command = ParseCommand(input);
  EXPECT_FALSE(command.ok());
  return std::string(command.status().message());
}

struct Precedence {
  const char* name;
  bool in_file, in_environment, in_flag;
  const char* value;
  const char* origin;
};

class ConfigPrecedence : public ::testing::TestWithParam<Precedence> {};

TEST_P(ConfigPrecedence, FlagThenEnvironmentThenFileThenDefault) {
  const Precedence& p = GetParam();
  std::vector<std::string> args = {"--config", kFile};
  if (p.in_flag) args.insert(args.end(), {"--log-level", "error"});
  std::map<std::string, std::string> environment;
  if (p.in_environment) environment["HENGE_LOG_LEVEL"] = "warn";
  const Setting setting =
      SettingOf(Input(args, environment, p.in_file ? "[log]\nlevel = \"debug\"\n" : ""), "log.level");
  EXPECT_EQ(setting.value, p.value);
  EXPECT_THAT(setting.origin, HasSubstr(p.origin));
}

INSTANTIATE_TEST_SUITE_P(Config, ConfigPrecedence,
                         ::testing::Values(Precedence{"None", false, false, false, "info", "default"},
                                           Precedence{"F", true, false, false, "debug", "file henge.toml, line 2"},
                                           Precedence{"E", false, true, false, "warn", "environment HENGE_LOG_LEVEL"},
                                           Precedence{"A", false, false, true, "error", "flag --log-level"},
                                           Precedence{"FE", true, true, false, "warn", "environment"},
                                           Precedence{"FA", true, false, true, "error", "flag"},
                                           Precedence{"EA", false, true, true, "error", "flag"},
                                           Precedence{"FEA", true, true, true, "error", "flag"}),
                         [](const auto& info) { return info.param.name; });

TEST(ConfigSources, TheFileIsNamedByTheEnvironmentToo) {
  EXPECT_EQ(SettingOf(Input({}, {{"HENGE_CONFIG", kFile}}, "name = \"n7\""), "name").value, "n7");
  EXPECT_THAT(ErrorOf(Input({"--config", "absent.toml"})), HasSubstr("no file absent.toml"));
}

TEST(ConfigSources, BothFormsOfAFlag) {
  EXPECT_EQ(SettingOf(Input({"--name", "a"}), "name").value, "a");
  EXPECT_EQ(SettingOf(Input({"--name=a=b"}), "name").value, "a=b");
  EXPECT_THAT(ErrorOf(Input({"--name"})), HasSubstr("--name needs a value"));
}

TEST(ConfigSources, AnUnknownNameIsRefusedWithTheNearest) {
  EXPECT_THAT(ErrorOf(Input({"--data-dirr", "x"})),
              HasSubstr("unknown argument --data-dirr, did you mean --data-dir?"));
  EXPECT_THAT(ErrorOf(Input({}, {{"HENGE_DATADIR", "x"}})),
              HasSubstr("unknown environment variable HENGE_DATADIR, did you mean HENGE_DATA_DIR?"));
  EXPECT_THAT(ErrorOf(Input({"--config", kFile}, {}, "name = \"a\"\n[log]\nlevle = \"info\"\n")),
              HasSubstr("unknown setting log.levle (file henge.toml, line 3), did you mean log.level?"));
  const std::string far = ErrorOf(Input({"--qqqqqqqqqqqqqqqqqq", "x"}));
  EXPECT_EQ(far.find("did you mean"), std::string::npos) << far;
}

TEST(ConfigSources, VariablesOfTheCommandLineToolAreNoMistake) {
  EXPECT_TRUE(ParseCommand(Input({}, {{"HENGE_ENDPOINT", "x"}, {"PATH", "y"}})).ok());
}

TEST(ConfigSources, HelpAndVersionAnswerWhateverElseIsWrong) {
  auto help = ParseCommand(Input({"--help"}, {{"HENGE_NONSENSE", "1"}}));
  ASSERT_TRUE(help.ok()) << help.status();
  EXPECT_EQ(help->action, CommandAction::kHelp);
}

struct BadValue {
  const char* name;
  std::vector<std::string> args;
  const char* text;
};

class BadConfigValue : public ::testing::TestWithParam<BadValue> {};

TEST_P(BadConfigValue, IsRefusedWithWhatIsExpected) {
  const std::string error = ErrorOf(Input(GetParam().args));
  EXPECT_THAT(error, HasSubstr(GetParam().text));
  EXPECT_THAT(error, HasSubstr("flag " + GetParam().args[0]));
}

INSTANTIATE_TEST_SUITE_P(
    Config, BadConfigValue,
    ::testing::Values(BadValue{"Level", {"--log-level", "loud"}, "one of debug|info|warn|error|alarm"},
                      BadValue{"PartOfAChoice", {"--log-level", "info|warn"}, "one of"},
                      BadValue{"Word", {"--shards", "many"}, "a whole number from 0 to 64"},
                      BadValue{"Range", {"--shards", "65"}, "a whole number from 0 to 64"},
                      BadValue{"Replicas", {"--replicas", "0"}, "from 1 to 7"},
                      BadValue{"NoUnit", {"--drain-timeout", "10"}, "a time such as"},
                      BadValue{"BadUnit", {"--store-block-cache", "64MB"}, "a size such as 64MiB"},
                      BadValue{"Huge", {"--store-block-cache", "99999999999GiB"}, "a size such as"},
                      BadValue{"Empty", {"--request-timeout", ""}, "a time such as"}),
    [](const auto& info) { return info.param.name; });

TEST(ConfigSources, NumbersHaveUnits) {
  const ConfigKey& size = *FindConfigKey("store.block_cache");
  EXPECT_EQ(ConfigNumber(size, "3MiB"), 3 << 20);
  EXPECT_EQ(ConfigNumber(size, "4096"), 4096);
  const ConfigKey& time = *FindConfigKey("drain_timeout");
  EXPECT_EQ(ConfigNumber(time, "1500ms"), 1500);
  EXPECT_EQ(ConfigNumber(time, "2m"), 120'000);
}

TEST(ConfigFile, MistakesNameTheLine) {
  auto at = [](const char* text) { return std::string(ParseConfigFile(text, "f").status().message()); };
  EXPECT_THAT(at("name = \"a\"\nname = \"b\"\n"), HasSubstr("line 2"));
  EXPECT_THAT(at("name = \n"), HasSubstr("line 1"));
  EXPECT_THAT(at("\nname = [1, 2]\n"), HasSubstr("line 2: name must be a text in quotes or a whole number"));
  EXPECT_THAT(at("[log.deep]\nx = 1\n"), HasSubstr("no section log.deep"));
  EXPECT_THAT(at("ready_fd = 1.5\n"), HasSubstr("ready_fd"));
  EXPECT_THAT(ErrorOf(Input({"--config", kFile}, {}, "name = 5")), HasSubstr("name must be a text in quotes"));
}

TEST(ConfigFile, ASectionWithoutANameIsAnError) {
  for (const char* text : {"[=]", "[[=]]", "[\x01]", "[.a]"}) {
    EXPECT_EQ(ParseConfigFile(text, "f").status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ConfigFile, GarbageIsRefusedOrHarmless) {
  std::mt19937_64 rng(7);
  const std::string good = SampleConfig();
  for (int i = 0; i < 2000; ++i) {
    std::string text = good.substr(0, rng() % good.size());
    for (int n = 0; n < 4 && !text.empty(); ++n) text[rng() % text.size()] = static_cast<char>(rng());
    auto parsed = ParseConfigFile(text, "f");
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(ConfigTexts, TheSampleIsTheDefaults) {
  std::string sample = SampleConfig();
  EXPECT_TRUE(ParseConfigFile(sample, "f")->empty());
  // With the comment signs of its settings taken off, it says what holds without it.
  std::string active;
  for (size_t start = 0; start < sample.size();) {
    const size_t end = sample.find('\n', start);
    std::string line = sample.substr(start, end - start);
    if (line.rfind("# ", 0) == 0 && line.find(" = ") != std::string::npos) line = line.substr(2);
    active += line + "\n";
    start = end + 1;
  }
  auto command = ParseCommand(Input({"--config", kFile}, {}, active));
  ASSERT_TRUE(command.ok()) << command.status();
  for (const ConfigKey& key : ConfigSchema()) {
    EXPECT_EQ(command->settings.at(std::string(key.name)).value, key.value) << key.name;
    EXPECT_THAT(command->settings.at(std::string(key.name)).origin, HasSubstr("file")) << key.name;
  }
}

TEST(ConfigTexts, HelpAndDescriptionNameEverySetting) {
  const std::string help = HelpText();
  auto command = ParseCommand(Input({"--name=x"}));
  ASSERT_TRUE(command.ok());
  const std::string described = DescribeSettings(command->settings);
  for (const ConfigKey& key : ConfigSchema()) {
    EXPECT_THAT(help, HasSubstr(FlagOf(key)));
    EXPECT_THAT(help, HasSubstr(EnvironmentOf(key)));
    EXPECT_THAT(described, HasSubstr(std::string(key.name) + " = "));
  }
  EXPECT_THAT(described, HasSubstr("name = \"x\"  # flag --name"));
}

}  // namespace
}  // namespace henge
