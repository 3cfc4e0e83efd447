#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class CompletionTest : public CliTest {
 protected:
  CompletionTest()
      : script_(testing::TempDir() + "henge_completion_" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::ofstream(script_) << Run({"completion", "bash"}).out;
  }
  ~CompletionTest() override { std::filesystem::remove(script_); }

  // Runs a bash script; its output and exit status.
  static std::pair<std::string, int> Bash(const std::string& script) {
    FILE* pipe = popen(absl::StrCat("bash -c '", script, "' 2>&1").c_str(), "r");
    std::string output;
    std::array<char, 4096> buffer;
    while (size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
    int status = pclose(pipe);
    return {output, WEXITSTATUS(status)};
  }

  // What bash offers for the last of `words`.
  std::vector<std::string> Complete(const std::string& words, int index) {
    auto [output, status] = Bash(absl::StrCat("source ", script_, "; COMP_WORDS=(", words, "); COMP_CWORD=", index,
                                              "; _henge; printf \"%s\\n\" \"${COMPREPLY[@]}\""));
    EXPECT_EQ(status, 0) << output;
    std::vector<std::string> offered;
    std::istringstream in(output);
    for (std::string line; std::getline(in, line);) {
      if (!line.empty()) offered.push_back(line);
    }
    return offered;
  }

  std::string script_;
};

TEST_F(CompletionTest, TheBashScriptIsWellFormed) {
  auto [output, status] = Bash(absl::StrCat("bash -n ", script_));
  EXPECT_EQ(status, 0) << output;
}

TEST_F(CompletionTest, BashOffersCommands) {
  EXPECT_THAT(Complete("henge ex", 1), UnorderedElementsAre("export", "explain"));
  EXPECT_THAT(Complete("henge -o json st", 3), ElementsAre("status"));
  EXPECT_THAT(Complete("henge \"\"", 1), Contains("put"));
}

TEST_F(CompletionTest, BashOffersTheOptionsOfTheCommandAndTheCommonOnes) {
  EXPECT_THAT(Complete("henge put --b", 2), UnorderedElementsAre("--blind", "--bucket"));
  EXPECT_THAT(Complete("henge get --b", 2), ElementsAre("--bucket"));
}

TEST_F(CompletionTest, BashOffersTheValuesOfOptions) {
  EXPECT_THAT(Complete("henge get k -o \"\"", 4), ElementsAre("table", "json", "raw"));
  EXPECT_THAT(Complete("henge --consistency \"\"", 2), ElementsAre("one", "quorum", "all"));
  EXPECT_THAT(Complete("henge import --format \"\"", 3), ElementsAre("jsonl", "tsv"));
  EXPECT_THAT(Complete("henge completion \"\"", 2), UnorderedElementsAre("bash", "zsh", "fish"));
  EXPECT_THAT(Complete("henge scan --limit \"\"", 3), ElementsAre());
}

TEST_F(CompletionTest, BashOffersFilesWhereFilesAreMeant) {
  EXPECT_THAT(Complete(absl::StrCat("henge import ", script_), 2), ElementsAre(script_));
  EXPECT_THAT(Complete(absl::StrCat("henge get ", script_), 2), ElementsAre());
}

TEST_F(CompletionTest, EveryShellKnowsEveryCommandAndItsOptions) {
  std::string zsh = Run({"completion", "zsh"}).out, fish = Run({"completion", "fish"}).out,
              bash = Run({"completion", "bash"}).out;
  for (const char* command :
       {"put", "get", "delete", "scan", "import", "export", "status", "ring", "explain", "bench", "completion"}) {
    EXPECT_THAT(bash, HasSubstr(absl::StrCat("'", command, "'")));
    EXPECT_THAT(zsh, HasSubstr(absl::StrCat("'", command, ":")));
    EXPECT_THAT(fish, HasSubstr(absl::StrCat("-a ", command, " ")));
  }
  EXPECT_THAT(zsh, HasSubstr("--resume-file["));
  EXPECT_THAT(fish, HasSubstr("-l resume-file"));
  EXPECT_THAT(fish, HasSubstr("-l output -s o"));
}

}  // namespace
}  // namespace henge::cli
