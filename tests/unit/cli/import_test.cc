#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class ImportTest : public CliTest {
 protected:
  ImportTest()
      : dir_(testing::TempDir() + "henge_import_" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(dir_);
  }
  ~ImportTest() override { std::filesystem::remove_all(dir_); }

  std::string WriteFile(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name, std::ios::binary) << text;
    return dir_ + "/" + name;
  }
  static std::string JsonLines(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) text += absl::StrCat(R"({"key":"k)", i, R"(","value":"v)", i, "\"}\n");
    return text;
  }

  std::string dir_;
};

TEST_F(ImportTest, EveryRecordIsWrittenAndCounted) {
  CliResult result = Run({"import", "-o", "json"}, JsonLines(0, 3000));
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  EXPECT_EQ(store_.size(), 3000u);
  EXPECT_THAT(store_.Values("k2999"), ElementsAre("v2999"));
  auto summary = nlohmann::json::parse(result.out);
  EXPECT_EQ(summary["written"], 3000);
  EXPECT_EQ(summary["failed"], 0);
  EXPECT_GT(summary["bytes"], 0);
  EXPECT_THAT(result.err, HasSubstr("imported 3000 records"));
  EXPECT_THAT(result.err, Not(HasSubstr("\r"))) << "no progress bar without a terminal";
}

TEST_F(ImportTest, ImportedRecordsReplaceWhatIsThere) {
  store_.Set("k0", {"old", "older"});
  EXPECT_EQ(Run({"import"}, JsonLines(0, 10)).code, ExitCode::kOk);
  EXPECT_EQ(Run({"import"}, JsonLines(0, 10)).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("k0"), ElementsAre("v0"));
}

TEST_F(ImportTest, ABlindImportReadsNothing) {
  EXPECT_EQ(Run({"import", "--blind"}, JsonLines(0, 10)).code, ExitCode::kOk);
  EXPECT_EQ(store_.gets(), 0u);
  EXPECT_EQ(store_.size(), 10u);
}

TEST_F(ImportTest, TheLastOfSeveralLinesOfOneKeyWins) {
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += absl::StrCat(R"({"key":"same","value":")", i, "\"}\n");
  EXPECT_EQ(Run({"import"}, lines).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("same"), ElementsAre("199"));
}

TEST_F(ImportTest, BadLinesAreNamedByNumberAndTheRestIsWritten) {
  CliResult result =
      Run({"import"}, JsonLines(0, 2) + "rubbish\n\n" + R"({"key":"","value":"v"})" + "\n" + JsonLines(2, 3));
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("line 3: it is not JSON"));
  EXPECT_THAT(result.err, HasSubstr("line 5: the key is empty"));
  EXPECT_THAT(result.err, HasSubstr("2 failed"));
  EXPECT_THAT(store_.Values("k2"), ElementsAre("v2"));
}

TEST_F(ImportTest, TabSeparatedFilesAreKnownByTheirName) {
  std::string file = WriteFile("data.tsv", "a\tone\nb\ttwo\r\n");
  EXPECT_EQ(Run({"import", file}).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("a"), ElementsAre("one"));
  EXPECT_THAT(store_.Values("b"), ElementsAre("two"));
  EXPECT_EQ(Run({"import", "--format", "tsv"}, "c\tthree").code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("c"), ElementsAre("three"));
}

TEST_F(ImportTest, LinesMayBeSkipped) {
  EXPECT_EQ(Run({"import", "--skip", "7"}, JsonLines(0, 10)).code, ExitCode::kOk);
  EXPECT_EQ(store_.size(), 3u);
}

TEST_F(ImportTest, AResumedImportStartsAtTheFirstLineThatIsNotSettled) {
  std::string file = WriteFile("data.jsonl", JsonLines(0, 10)), resume = dir_ + "/resume";
  store_.Refuse("k6", Failure(5, "gone for now", v1::OUTCOME_NOT_APPLIED));
  EXPECT_EQ(Run({"import", file, "--resume-file", resume}).code, ExitCode::kError);
  std::ifstream saved(resume);
  int lines = 0;
  saved >> lines;
  EXPECT_EQ(lines, 6);
  size_t before = cluster_.request_count();
  FakeStore fresh;
  fresh.Serve(cluster_);
  EXPECT_EQ(Run({"import", file, "--resume-file", resume}).code, ExitCode::kOk);
  EXPECT_EQ(fresh.size(), 4u);
  EXPECT_EQ(cluster_.request_count() - before, 8u) << "a read and a write for each of four lines";
  EXPECT_FALSE(std::filesystem::exists(resume));
  store_.Serve(cluster_);
}

TEST_F(ImportTest, ALineThatCanNeverBeWrittenDoesNotHoldTheResumeFileBack) {
  std::string resume = dir_ + "/resume";
  EXPECT_EQ(Run({"import", "--resume-file", resume}, "rubbish\n" + JsonLines(0, 2)).code, ExitCode::kError);
  EXPECT_FALSE(std::filesystem::exists(resume));
}

TEST_F(ImportTest, AResumeFileOfSomethingElseIsRefused) {
  std::string resume = WriteFile("resume", "what is this\n");
  CliResult result = Run({"import", "--resume-file", resume}, JsonLines(0, 1));
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("doesn't hold a number"));
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(ImportTest, AMissingFileAndADirectoryAreClearErrors) {
  CliResult missing = Run({"import", dir_ + "/none"});
  EXPECT_EQ(missing.code, ExitCode::kError);
  EXPECT_THAT(missing.err, HasSubstr("No such file"));
  CliResult directory = Run({"import", dir_});
  EXPECT_EQ(directory.code, ExitCode::kError);
  EXPECT_THAT(directory.err, HasSubstr("directory"));
}

TEST_F(ImportTest, OnATerminalABarShowsHowFarItIs) {
  on_terminal_ = true;
  CliResult result = Run({"import", WriteFile("data.jsonl", JsonLines(0, 500))});
  EXPECT_THAT(result.err, HasSubstr(" %  "));
  EXPECT_THAT(result.err, HasSubstr("imported 500 records"));
}

TEST_F(ImportTest, NoWriteFailsWhenANodeDiesOnTheWay) {
  std::thread killer([&] {
    cluster_.node(1).AwaitRequests(200);
    cluster_.node(1).Stop();
  });
  CliResult result = Run({"import"}, JsonLines(0, 5000));
  killer.join();
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err.substr(0, 2000);
  EXPECT_EQ(store_.size(), 5000u);
}

}  // namespace
}  // namespace henge::cli
