#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

using UsageTest = CliTest;

TEST_F(UsageTest, NothingIsAUsageErrorWithHelp) {
  CliResult result = Run({});
  EXPECT_EQ(result.code, ExitCode::kUsage);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("Subcommands"));
}

TEST_F(UsageTest, HelpAndVersionAreData) {
  CliResult help = Run({"--help"});
  EXPECT_EQ(help.code, ExitCode::kOk);
  EXPECT_THAT(help.out,
              HasSubstr("Exit status: 0 ok, 1 error, 2 usage, 3 not found, 4 no quorum or no node, 5 conflict"));
  EXPECT_THAT(Run({"put", "--help"}).out, HasSubstr("--blind"));
  CliResult version = Run({"--version"});
  EXPECT_EQ(version.code, ExitCode::kOk);
  EXPECT_THAT(version.out, HasSubstr("henge "));
}

TEST_F(UsageTest, AMistypedCommandNamesTheNearest) {
  CliResult result = Run({"gte", "k"});
  EXPECT_EQ(result.code, ExitCode::kUsage);
  EXPECT_THAT(result.err, HasSubstr("there is no command 'gte'; did you mean get?"));
  EXPECT_THAT(Run({"-o", "json", "statsu"}).err, HasSubstr("did you mean status?"));
  EXPECT_THAT(Run({"frobnicate"}).err, Not(HasSubstr("did you mean")));
}

TEST_F(UsageTest, AMistypedOptionNamesTheNearest) {
  CliResult result = Run({"scan", "--limti", "3"});
  EXPECT_EQ(result.code, ExitCode::kUsage);
  EXPECT_THAT(result.err, HasSubstr("there is no option '--limti'; did you mean --limit?"));
  EXPECT_THAT(Run({"get", "k", "--timeuot=3s"}).err, HasSubstr("did you mean --timeout?"));
}

TEST_F(UsageTest, BadValuesAreUsageErrors) {
  const std::vector<std::vector<std::string>> kCases = {
      {"get"},
      {"get", "k", "-o", "xml"},
      {"get", "k", "-c", "0"},
      {"get", "k", "-t", "soon"},
      {"put"},
      {"scan", "--limit", "x"},
      {"put", "k", "v", "--ttl", "never"},
      {"completion", "tcsh"},
      {"get", "k", "extra"},
  };
  for (const auto& arguments : kCases) {
    CliResult result = Run(arguments);
    EXPECT_EQ(result.code, ExitCode::kUsage) << testing::PrintToString(arguments);
    EXPECT_NE(result.err, "");
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(cluster_.request_count(), 0u);
}

TEST_F(UsageTest, ABadEndpointIsNamed) {
  CliResult result = Run({"get", "k", "-e", "nonsense"});
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("'nonsense' is not an endpoint"));
}

TEST_F(UsageTest, EndpointsComeFromTheFlagBeforeTheEnvironment) {
  environment_["HENGE_ENDPOINTS"] = "nonsense";
  EXPECT_EQ(Run({"get", "k"}).code, ExitCode::kError);
  EXPECT_EQ(Run({"--endpoint", cluster_.endpoints(), "get", "k"}).code, ExitCode::kNotFound);
  EXPECT_EQ(Run({"get", "k", "--endpoint", cluster_.endpoints()}).code, ExitCode::kNotFound);
  environment_["HENGE_ENDPOINTS"] = "";
  environment_["HENGE_ENDPOINT"] = cluster_.endpoints();
  EXPECT_EQ(Run({"get", "k"}).code, ExitCode::kNotFound);
}

TEST_F(UsageTest, ColourIsForTerminalsThatWantIt) {
  EXPECT_THAT(Run({"get", "k"}).err, Not(HasSubstr("\033")));
  on_terminal_ = true;
  EXPECT_THAT(Run({"get", "k"}).err, HasSubstr("\033[1m"));
  environment_["NO_COLOR"] = "1";
  EXPECT_THAT(Run({"get", "k"}).err, Not(HasSubstr("\033")));
}

TEST_F(UsageTest, OutputThatCantBeWrittenIsAnError) {
  store_.Set("k", {"v"});
  std::istringstream in;
  std::ostringstream err;
  std::ostream broken(nullptr);
  Terminal terminal{.in = in, .out = broken, .err = err, .environment = [this](const std::string& name) {
                      return environment_[name];
                    }};
  EXPECT_EQ(RunCli({"get", "k"}, terminal), ExitCode::kError);
  EXPECT_THAT(err.str(), HasSubstr("can't be written"));
}

}  // namespace
}  // namespace henge::cli
